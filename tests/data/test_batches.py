import json
import re

import pytest
import torch

from gan_cli.data.batches import MemoryBatches, StreamBatches, open_batches
from gan_cli.data.gaussians import Gaussians
from gan_cli.data.unpaired import Unpaired
from gan_cli.errors import UserError
from tests.data.drawing import OPTIONS, assert_same, draw, numbered, of, opened, values
from tests.data.image_files import write_image


@pytest.fixture
def sides(tmp_path):
    """Three images in A, five in B."""
    for i in range(8):
        write_image(tmp_path / "sides" / "AB"[i > 2] / f"{i}.png", seed=i)
    return tmp_path / "sides"


def test_scaled_to_minus_one_and_one():
    data = {"image": torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1)}
    batch = of(data, 3).next()
    assert list(batch) == ["image"]
    assert batch["image"].dtype == torch.float32
    assert sorted(batch["image"].flatten().tolist()) == pytest.approx([-1, -0.6, 1])


def test_points_come_through_unscaled():
    dataset = Gaussians(limit=50)
    points = dataset.load()["image"]
    batches = open_batches(dataset, memory_limit=4, **{**OPTIONS, "batch_size": 50})
    drawn = batches.next()["image"]
    assert sorted(drawn.flatten().tolist()) == sorted(points.flatten().tolist())
    assert torch.equal(batches.look_up(torch.arange(5))["image"], points[:5])


def test_an_epoch_shows_every_image_once_with_its_own_label():
    batches = of(numbered(), 4)
    drawn = draw(batches, 5)  # two epochs of 10: the third batch spans both
    y = torch.cat([batch["label"] for batch in drawn])
    assert torch.equal(values(torch.cat([batch["image"] for batch in drawn])), y)
    assert sorted(y[:10].tolist()) == sorted(y[10:].tolist()) == list(range(10))
    assert batches.position == 20


def test_batch_size_may_change_on_the_way():
    whole = torch.cat([batch["label"] for batch in draw(of(numbered(), 3), 10)])
    other = of(numbered(), 7)
    other.seek(6)
    rest = torch.cat([other.next()["label"], other.next()["label"]])
    assert torch.equal(rest, whole[6:20])


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_seeking_equals_having_drawn(folder, memory_limit):
    straight = draw(opened(folder, memory_limit), 8)
    batches = opened(folder, memory_limit)
    for position in [6, 0, 12]:
        batches.seek(position)
        for expected in straight[position // 2 :][:2]:
            assert_same(batches.next(), expected)
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
        assert_same(stream.next(), expected)
        assert torch.equal(torch.get_rng_state(), after)
    stream.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_so_it_does_with_groups_of_different_sizes(sides, workers):
    memory = opened(sides, cls=Unpaired, batch_size=3)
    stream = opened(sides, 0.0, cls=Unpaired, batch_size=3, workers=workers)
    assert isinstance(stream, StreamBatches)
    assert memory.sizes == stream.sizes == {"a": 3, "b": 5}
    assert memory.size == 5
    assert memory.labels is None
    for _ in range(4):
        assert_same(stream.next(), memory.next())
    assert memory.position == stream.position == 12
    stream.close()


def test_groups_are_drawn_apart_and_each_is_whole():
    data = {"a": numbered(6)["image"], "b": numbered(4)["image"], "label_b": torch.arange(4)}
    batches = of(data, 2, {"a": "a", "b": "b", "label_b": "b"})
    drawn = draw(batches, 60)
    a, b = (torch.cat([values(batch[side]) for batch in drawn]) for side in "ab")
    assert torch.equal(b, torch.cat([batch["label_b"] for batch in drawn]))
    for column, size in [(a, 6), (b, 4)]:
        epochs = column[:120].view(-1, size)
        assert torch.equal(epochs.sort(1).values, torch.arange(size).expand(len(epochs), size))
    together = {(i, j) for i, j in zip(a.tolist(), b.tolist(), strict=True)}
    assert len(together) == 24  # every a meets every b


def test_groups_of_one_size_have_different_orders():
    data = {"a": numbered(50)["image"], "b": numbered(50)["image"]}
    batch = of(data, 50, {"a": "a", "b": "b"}).next()
    assert not torch.equal(batch["a"], batch["b"])


def test_half_of_the_images_are_mirrored_and_drawn_anew_from_the_global_generator():
    ramp = torch.arange(4, dtype=torch.uint8).expand(200, 1, 4, 4)
    batches = of({"image": ramp}, 200, flip=True)
    torch.manual_seed(0)
    first = batches.next()["image"]
    expected = torch.rand(200, 1, 1, 1, generator=torch.manual_seed(0)) < 0.5
    mirrored = first[:, 0, 0, 0] > first[:, 0, 0, 3]
    assert torch.equal(mirrored, expected.flatten())
    assert torch.equal(first[mirrored].flip(3).unique(dim=0), first[~mirrored].unique(dim=0))
    assert not torch.equal(batches.next()["image"], first)


def test_a_pair_is_mirrored_together_and_groups_are_mirrored_apart():
    ramp = torch.arange(4, dtype=torch.uint8).expand(200, 1, 4, 4)
    data = {"source": ramp, "target": ramp, "b": ramp}
    batch = of(data, 200, {"b": "b"}, flip=True).next()
    assert torch.equal(batch["source"], batch["target"])
    assert not torch.equal(batch["source"], batch["b"])


def test_without_flip_the_global_generator_is_left_alone(folder):
    before = torch.get_rng_state()
    for memory_limit in [4.0, 0.0]:
        batches = opened(folder, memory_limit, workers=1)
        batches.next()
        batches.close()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_a_batch_larger_than_the_dataset_is_refused(folder, sides, memory_limit):
    with pytest.raises(UserError, match=r"data.batch_size=6: more than the 5 samples"):
        opened(folder, memory_limit, batch_size=6)
    with pytest.raises(UserError, match=r"data.batch_size=4: more than the 3 samples of side 'a'"):
        opened(sides, memory_limit, cls=Unpaired, batch_size=4)
    assert len(opened(folder, memory_limit, batch_size=5).next()["image"]) == 5


def test_too_many_workers_are_refused(folder, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with pytest.raises(UserError, match=r"^data.workers=9: .* set data.workers=8 or lower$"):
        opened(folder, 0.0, workers=9)
    assert opened(folder, 0.0, workers=8).size == 5


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_the_fingerprint_changes_with_the_data_and_with_nothing_else(folder, memory_limit):
    first = opened(folder, memory_limit).fingerprint
    assert len(first) == 16
    assert opened(folder, memory_limit, seed=1, batch_size=4).fingerprint == first
    write_image(folder / "cat" / "0.png", seed=99, size=(8, 9))
    changed = opened(folder, memory_limit).fingerprint
    assert changed != first
    labels = [[f"{path.parent.name}/{path.name}", 0] for path in folder.rglob("*.png")]
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    assert opened(folder, memory_limit).fingerprint not in (first, changed)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_named_even_from_a_worker(folder, workers):
    (folder / "dog" / "4.png").write_bytes(b"")
    batches = opened(folder, 0.0, batch_size=5, workers=workers)
    path = re.escape(str(folder / "dog" / "4.png"))
    with pytest.raises(UserError, match=rf"^{path}: cannot be used.*\Z"):  # a single line
        batches.next()
    assert batches.position == 0
    batches.close()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_batches_are_the_same_and_nothing_waits_for_it(folder):
    cuda = torch.device("cuda")
    expected = draw(opened(folder), 6)
    for memory_limit in [4.0, 0.0]:
        batches = opened(folder, memory_limit, device=cuda, workers=1)
        batches.next(), batches.seek(0)
        torch._C._cuda_set_sync_debug_mode(2)  # the public one warns that it is new
        try:
            got = draw(batches, 6)
        finally:
            torch._C._cuda_set_sync_debug_mode(0)
        for a, b in zip(got, expected, strict=True):
            for name, x in b.items():  # a GPU divides by multiplying
                assert torch.allclose(a[name].cpu(), x, atol=1e-6)
        batches.close()


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_looking_up_draws_nothing(tmp_path, memory_limit):
    for i in range(4):
        write_image(tmp_path / f"c{i % 2}" / f"{i}.png", seed=i)
    batches, untouched = (opened(tmp_path, memory_limit) for _ in range(2))
    for _ in range(3):
        found = batches.look_up(torch.tensor([3, 0, 3]))
        assert found["image"].shape == (3, 3, 8, 8)
        assert found["label"].tolist() == [1, 0, 1]
        assert torch.equal(found["image"][0], found["image"][2])
        assert -1 <= found["image"].min() < found["image"].max() <= 1
        assert_same(batches.next(), untouched.next())
    assert batches.position == untouched.position


@pytest.mark.parametrize("memory_limit", [4.0, 0.0])
def test_groups_are_looked_up_by_their_own_index(sides, memory_limit):
    batches = opened(sides, memory_limit, cls=Unpaired)
    both = batches.look_up({"a": torch.tensor([2]), "b": torch.tensor([4, 0])})
    assert {name: len(x) for name, x in both.items()} == {"a": 1, "b": 2}
    alone = batches.look_up({"b": torch.tensor([0])})
    assert list(alone) == ["b"]
    assert torch.equal(alone["b"][0], both["b"][1])
    assert torch.equal(batches.look_up(torch.tensor([2]))["a"], both["a"])


@pytest.mark.parametrize("memory_limit", [4.0, 1e-9])
def test_shares_of_all_ranks_are_the_batch(folder, memory_limit):
    """Three batches, of which the last spans two epochs, and one after a step back."""
    options = {"batch_size": 4, "memory_limit": memory_limit}
    whole = opened(folder, **options)
    shares = [opened(folder, **options, rank=rank, ranks=2) for rank in range(2)]
    for position in (None, None, None, 2):
        for batches in (whole, *shares):
            if position is not None:
                batches.seek(position)
        batch, parts = whole.next(), [share.next() for share in shares]
        assert all(torch.equal(torch.cat([p[n] for p in parts]), x) for n, x in batch.items())
        assert {share.position for share in shares} == {whole.position}
