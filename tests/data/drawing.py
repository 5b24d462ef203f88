"""Batches to draw from in tests."""

import torch

from gan_cli.data.batches import MemoryBatches, open_batches
from gan_cli.data.fields import Field
from gan_cli.data.folder import Folder
from gan_cli.data.order import Draw

CPU = torch.device("cpu")
OPTIONS = {"batch_size": 2, "device": CPU, "seed": 0, "workers": 0, "flip": False}


def of(data, batch_size, groups=None, **options):
    """Batches of tensors by field, which are images, but for those called label."""
    groups = groups or {}
    fields = {
        name: Field("label", (), groups.get(name, ""))
        if name.startswith("label")
        else Field("image", tuple(values.shape[1:]), groups.get(name, ""))
        for name, values in data.items()
    }
    return MemoryBatches(fields, data, Draw(batch_size, CPU, 0, **options))


def numbered(size=10):
    """Image i is all i, its label too."""
    i = torch.arange(size)
    return {"image": i.view(-1, 1, 1, 1).to(torch.uint8), "label": i}


def values(x):
    """What the pixels were before they were scaled."""
    return ((x[:, 0, 0, 0] + 1) * 127.5).round().long()


def opened(root, memory_limit=4.0, cls=Folder, **options):
    dataset = cls(str(root), 8)
    dataset.prepare()
    return open_batches(dataset, memory_limit=memory_limit, **{**OPTIONS, **options})


def draw(batches, times):
    return [batches.next() for _ in range(times)]


def assert_same(got, expected):
    assert got.keys() == expected.keys()
    for name, x in expected.items():
        assert torch.equal(got[name].cpu(), x)
