"""Every data YAML, on small files in the layout it expects."""

import inspect
import itertools
from pathlib import Path
from typing import Any

import hydra
import pytest
import torch
from omegaconf import OmegaConf

from gan_cli.data.batches import open_batches
from gan_cli.data.dataset import Dataset
from gan_cli.data.published import Facades, Horse2Zebra
from gan_cli.data.sound_files import save_sound
from gan_cli.data.wrapper import Wrapper
from tests.conftest import options
from tests.data.image_files import write_image, write_shard
from tests.data.test_torchvision import cifar_files, mnist_files  # noqa: F401

CONF = Path(__file__).parents[2] / "conf"
BATCHING = {"batch_size", "workers", "memory_limit", "flip"}
SOUND = ("waves", "tones")
OWN = ("folder", "pairs", "unpaired", "waves", "super_resolution", "webdataset")
PUBLISHED = {"facades": Facades, "horse2zebra": Horse2Zebra}
NEEDED = {
    **{"hifigan": {"wave"}, "pix2pix": {"source", "target"}, "cyclegan": {"a", "b"}},
    "srgan": {"small", "target"},
}
OPTIONAL = {"jitter"}


def compose(name: str, *changes: str) -> dict[str, Any]:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        given = [f"data={name}", "name=x", "trainer.device=cpu"]
        composed = hydra.compose("train", [*given, *(f"++data.{change}" for change in changes)])
    plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=False)
    assert isinstance(plain, dict)
    assert plain["trainer"]["steps"] > 0
    return plain["data"]


def build(node: dict[str, Any]) -> Any:
    """What the node's class makes of those of its keys that it takes."""
    cls = hydra.utils.get_class(node["_target_"])
    taken = inspect.signature(cls).parameters.keys() & node.keys()
    return cls(**{k: build(v) if isinstance(v := node[k], dict) else v for k in taken})


@pytest.mark.parametrize("name", options("data"))
def test_keys_are_those_of_its_class(name: str) -> None:
    data = compose(name)
    cls = hydra.utils.get_class(data.pop("_target_"))
    assert issubclass(cls, Dataset)
    shape = {"sample_rate", "length"} if name in SOUND else {"image_size", "channels"}
    assert data.keys() >= BATCHING | shape | {"limit", "batch_size"}
    taken = inspect.signature(cls).parameters.keys()
    others = data.keys() - BATCHING - OPTIONAL - taken
    assert taken <= data.keys()
    if not issubclass(cls, Wrapper):
        assert not others
        return
    inner = data["images"]
    taken_inside = inspect.signature(hydra.utils.get_class(inner.pop("_target_"))).parameters
    assert inner.keys() == taken_inside.keys() == others  # each is given once, outside


@pytest.mark.parametrize("name", options("data"))
def test_two_batches(
    tmp_path: Path,
    cifar_files: Path,  # noqa: F811
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "root"
    changes = ["batch_size=8"]
    if "mnist" in name:
        mnist_files(root, "FashionMNIST" if name == "fashion_mnist" else "MNIST")
    elif name == "cifar10":
        root = cifar_files
    if name == "waves":
        root.mkdir()
        save_sound(torch.rand(9 * 16384) - 0.5, 22050, root / "clip.wav")
    if name == "webdataset":
        write_shard(root / "a.tar", range(8))
    for number in range(8 if name in OWN and name not in (*SOUND, "webdataset") else 0):
        size = (128, 130) if name == "super_resolution" else (8, 8)
        write_image(root / "trainA" / f"{number}.png", number, size)
        write_image(root / "trainB" / f"{number}.png", -number - 1 & 255, size)
    if cls := PUBLISHED.get(name):
        monkeypatch.setattr(cls, "counts", dict.fromkeys(cls.counts, 8))
        for place, folder in itertools.product(range(8), cls.counts):
            write_image(root / cls.archive.name / folder / f"{place}.png", place, (8, 16))
    if "root" in compose(name):
        changes += [f"root={root}"]
    data = compose(name, *changes)
    dataset = build(data)
    before = dict(dataset.fields)
    shapes = {name: f.shape for name, f in before.items() if f.kind != "label"}
    enlarged = "scale" in data
    if name in SOUND:
        wanted = dict.fromkeys(shapes, (1, 1, data["length"]))
    else:
        sides = dict.fromkeys(shapes, data["image_size"])
        assert (dataset.image_size, dataset.channels) == (data["image_size"], data["channels"])
        if enlarged:
            sides["source"] //= data["scale"]
        wanted = {name: (data["channels"], side, side) for name, side in sides.items()}
    assert shapes == wanted
    dataset.prepare()
    assert before.items() <= dict(dataset.fields).items()
    assert dataset.n_classes in (data["n_classes"], 2)
    assert len(dataset.class_names) == dataset.n_classes
    batches = open_batches(
        dataset, device=torch.device("cpu"), seed=0, **{key: data[key] for key in BATCHING}
    )
    for _ in range(2):
        batch = batches.next()
        assert batch.keys() == dataset.fields.keys()
        for field, x in batch.items():
            kind = dataset.fields[field].kind
            assert x.shape == (8, *dataset.fields[field].shape)
            assert x.dtype == (torch.int64 if kind == "label" else torch.float32)
            assert kind == "label" or -1 <= x.min() < x.max() <= 1
    text = (CONF / "data" / f"{name}.yaml").read_text()
    has = {"small" if enlarged and field == "source" else field for field in batch}
    for model, fields in NEEDED.items():  # the command in its comment
        assert (f"model={model}" in text) == (fields <= has)


@pytest.mark.parametrize("name", options("data"))
def test_split_root_and_limit_reach_what_is_wrapped(name: str) -> None:
    changes = {"limit": 12} | ({"root": "/nowhere", "split": "test"} if "mnist" in name else {})
    if name.startswith("digit"):
        changes["split"] = "test"
    if name in (*OWN, *PUBLISHED):
        changes["root"] = "/nowhere"
    dataset = build(compose(name, *(f"{key}={value}" for key, value in changes.items())))
    inner = dataset.images if isinstance(dataset, Wrapper) else getattr(dataset, "_digits", dataset)
    if name != "stacked_mnist":
        assert inner.limit == 12
    if "root" in changes:
        assert inner._root.startswith("/nowhere")
    if "split" in changes:
        assert dataset.part == inner.split == "test"
