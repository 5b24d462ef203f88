import gc
import json
import os
import re
import signal

import pytest
import torch

from gan_cli.data.batches import MemoryBatches, StreamBatches, open_batches
from gan_cli.data.dataset import Pictures, StreamableDataset
from gan_cli.data.folder import Folder
from gan_cli.data.gaussians import Gaussians
from gan_cli.data.order import Draw
from gan_cli.errors import RunFailed, UserError
from tests.data.picture_files import write_picture

CPU = torch.device("cpu")


def opened(root, memory_limit=4.0, **options):
    dataset = Folder(str(root), 8)
    dataset.prepare()
    defaults = {"batch_size": 2, "device": CPU, "seed": 0, "workers": 0, "flip": False}
    return open_batches(dataset, memory_limit=memory_limit, **{**defaults, **options})


def numbered(size=10, labels=True):
    """Picture i is all i, its label too."""
    i = torch.arange(size)
    return Pictures(i.view(-1, 1, 1, 1).to(torch.uint8), i if labels else None)


def draw(batches, times):
    return [batches.next() for _ in range(times)]


def test_scaled_to_minus_one_and_one():
    pictures = Pictures(torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1), None)
    x, y = MemoryBatches(pictures, Draw(3, CPU, 0)).next()
    assert x.dtype == torch.float32
    assert sorted(x.flatten().tolist()) == pytest.approx([-1, -0.6, 1])
    assert y is None


def test_points_come_through_unscaled():
    points = Gaussians(limit=50).load()
    x, _ = MemoryBatches(points, Draw(50, CPU, 0)).next()
    assert sorted(x.flatten().tolist()) == sorted(points.images.flatten().tolist())


def test_an_epoch_shows_every_picture_once_with_its_own_label():
    batches = MemoryBatches(numbered(), Draw(4, CPU, 0))
    drawn = draw(batches, 5)  # two epochs of 10: the third batch spans both
    y = torch.cat([batch.y for batch in drawn])
    x = torch.cat([batch.x for batch in drawn]).flatten()
    assert torch.equal(((x + 1) * 127.5).round().long(), y)
    assert sorted(y[:10].tolist()) == sorted(y[10:].tolist()) == list(range(10))
    assert batches.position == 20


def test_batch_size_may_change_on_the_way():
    whole = torch.cat([batch.y for batch in draw(MemoryBatches(numbered(), Draw(3, CPU, 0)), 10)])
    other = MemoryBatches(numbered(), Draw(7, CPU, 0))
    other.seek(6)
    assert torch.equal(torch.cat([other.next().y, other.next().y]), whole[6:20])


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_seeking_equals_having_drawn(folder, memory_limit):
    straight = draw(opened(folder, memory_limit), 8)
    batches = opened(folder, memory_limit)
    for position in [6, 0, 12]:
        batches.seek(position)
        for expected in straight[position // 2 :][:2]:
            got = batches.next()
            assert torch.equal(got.x, expected.x)
            assert torch.equal(got.y, expected.y)
        assert batches.position == position + 4


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_equals_memory_bit_for_bit(folder, workers):
    memory = opened(folder, flip=True, batch_size=3)
    stream = opened(folder, 0.0, flip=True, batch_size=3, workers=workers)
    assert isinstance(memory, MemoryBatches)
    assert isinstance(stream, StreamBatches)
    assert memory.size == stream.size == 5
    for step in range(6):
        torch.manual_seed(step)
        expected = memory.next()
        after = torch.get_rng_state()
        torch.manual_seed(step)
        got = stream.next()
        assert torch.equal(got.x, expected.x)
        assert torch.equal(got.y, expected.y)
        assert torch.equal(torch.get_rng_state(), after)


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_processes_draw_parts_of_what_one_would(folder, memory_limit):
    alone = draw(opened(folder, memory_limit, batch_size=4), 3)
    parts = [opened(folder, memory_limit, rank=rank, ranks=2) for rank in range(2)]
    for expected in alone:
        got = [part.next() for part in parts]
        assert torch.equal(torch.cat([batch.x for batch in got]), expected.x)
        assert torch.equal(torch.cat([batch.y for batch in got]), expected.y)
    assert [part.position for part in parts] == [12, 12]


def test_half_of_the_pictures_are_mirrored_and_drawn_anew_from_the_global_generator():
    ramp = torch.arange(4, dtype=torch.uint8).expand(200, 1, 4, 4)
    batches = MemoryBatches(Pictures(ramp, None), Draw(200, CPU, 0, flip=True))
    torch.manual_seed(0)
    first = batches.next().x
    mirrored = first[:, 0, 0, 0] > first[:, 0, 0, 3]
    assert 70 < mirrored.sum() < 130
    assert torch.equal(first[mirrored].flip(3).unique(dim=0), first[~mirrored].unique(dim=0))
    assert not torch.equal(batches.next().x, first)
    torch.manual_seed(0)
    batches.seek(0)
    assert torch.equal(batches.next().x, first)


def test_without_flip_the_global_generator_is_left_alone(folder):
    before = torch.get_rng_state()
    for memory_limit in [4.0, 0.0]:
        opened(folder, memory_limit, workers=1).next()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_a_batch_larger_than_the_dataset_is_refused(folder, memory_limit):
    with pytest.raises(UserError, match=r"data.batch_size=6: more than the 5 pictures"):
        opened(folder, memory_limit, batch_size=6)
    with pytest.raises(UserError, match=r"data.batch_size=3 in each of 2 processes"):
        opened(folder, memory_limit, batch_size=3, ranks=2)
    assert len(opened(folder, memory_limit, batch_size=5).next().x) == 5


def test_what_cannot_be_streamed_must_fit():
    options = {"batch_size": 8, "device": CPU, "seed": 0, "workers": 0, "flip": False}
    with pytest.raises(UserError, match=r"data.memory_limit=0: the dataset takes .* GiB"):
        open_batches(Gaussians(), memory_limit=0, **options)


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_the_fingerprint_changes_with_the_data_and_with_nothing_else(folder, memory_limit):
    first = opened(folder, memory_limit).fingerprint
    assert len(first) == 16
    assert opened(folder, memory_limit, seed=1, batch_size=4).fingerprint == first
    write_picture(folder / "cat" / "0.png", seed=99, size=(8, 9))
    changed = opened(folder, memory_limit).fingerprint
    assert changed != first
    labels = [[f"{path.parent.name}/{path.name}", 0] for path in folder.rglob("*.png")]
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    assert opened(folder, memory_limit).fingerprint not in (first, changed)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_named_even_from_a_worker(folder, workers):
    (folder / "dog" / "4.png").write_bytes(b"")
    batches = opened(folder, 0.0, batch_size=5, workers=workers)
    path = re.escape(str(folder / "dog" / "4.png"))
    with pytest.raises(UserError, match=rf"^{path}: cannot be used.*\Z"):  # a single line
        batches.next()
    assert batches.position == 0


class Killer(StreamableDataset):
    """Kills the process that reads from it."""

    image_size, channels, n_classes, labels = 8, 3, 0, None

    def prepare(self):
        pass

    def __len__(self):
        return 10

    def load(self):
        raise NotImplementedError

    def listing(self):
        return []

    def open_picture(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_told_from_a_bug():
    batches = StreamBatches(Killer(), Draw(2, CPU, 0), workers=1)
    with pytest.raises(RunFailed, match=r"^.*memory; lower data.workers=1.*\Z"):  # a single line
        batches.next()


class Buggy(Killer):
    def open_picture(self, index):
        raise RuntimeError("a bug")


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_bug_stays_a_bug(workers):
    with pytest.raises(RuntimeError, match="a bug"):
        StreamBatches(Buggy(), Draw(2, CPU, 0), workers).next()
    gc.collect()  # torch leaves its iterator in a cycle: end the worker here, not in another test


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_batches_are_the_same_and_nothing_waits_for_it(folder):
    cuda = torch.device("cuda")
    expected = draw(opened(folder), 6)
    for memory_limit in [4.0, 0.0]:
        batches = opened(folder, memory_limit, device=cuda, workers=1)
        batches.next(), batches.seek(0)
        torch.cuda.set_sync_debug_mode("error")
        try:
            got = draw(batches, 6)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        for a, b in zip(got, expected, strict=True):
            assert torch.equal(a.x.cpu(), b.x)
            assert torch.equal(a.y.cpu(), b.y)


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_looking_up_pictures_draws_none(tmp_path, memory_limit):
    for i in range(4):
        write_picture(tmp_path / f"c{i % 2}" / f"{i}.png", seed=i)
    batches, untouched = (opened(tmp_path, memory_limit) for _ in range(2))
    for _ in range(3):
        x, y = batches.look_up(torch.tensor([3, 0, 3]))
        assert x.shape == (3, 3, 8, 8)
        assert y.tolist() == [1, 0, 1]
        assert torch.equal(x[0], x[2])
        assert -1 <= x.min() < x.max() <= 1
        assert torch.equal(batches.next().x, untouched.next().x)
    assert batches.position == untouched.position


def test_points_are_looked_up_unscaled():
    points = Gaussians(limit=50).load()
    x, y = MemoryBatches(points, Draw(50, CPU, 0)).look_up(torch.arange(5))
    assert torch.equal(x, points.images[:5])
    assert torch.equal(y, points.labels[:5])
