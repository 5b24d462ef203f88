import pytest

from gan_cli.data import memory
from gan_cli.data.batches import StreamBatches, open_batches
from gan_cli.data.dataset import Dataset
from gan_cli.data.digits import Digits
from gan_cli.data.gaussians import Gaussians
from gan_cli.errors import UserError
from tests.data.drawing import OPTIONS, opened


def test_this_machine_has_some_memory():
    available = memory.available_bytes()
    assert available is not None
    assert 2**20 < available < 2**50


def test_what_fits_is_loaded_and_what_does_not_is_refused():
    assert len(memory.load_if_it_fits(Digits(limit=5), 1)["image"]) == 5
    with pytest.raises(UserError, match=r"data.memory_limit=1: the dataset takes"):
        memory.load_if_it_fits(Gaussians(limit=10**12), 1)


def group(path, limit, used, stat, names):
    path.mkdir()
    for name, text in zip((*names, "memory.stat"), (limit, used, stat), strict=True):
        (path / name).write_text(f"{text}\n")
    return path


V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
V2 = ("memory.max", "memory.current")


@pytest.mark.parametrize(("names", "cache"), [(V1, "total_inactive_file"), (V2, "inactive_file")])
def test_a_container_has_what_is_left_of_its_limit(tmp_path, names, cache):
    path = group(tmp_path / "group", 1000, 700, f"anon 600\n{cache} 50", names)
    assert list(memory._room(path, *names)) == [350]
    assert list(memory._room(tmp_path / "none", *names)) == []
    path = group(tmp_path / "unlimited", "max", 700, "", names)
    assert list(memory._room(path, *names)) == []


def test_what_cannot_be_streamed_must_fit():
    with pytest.raises(UserError, match=r"data.memory_limit=0: the dataset takes .* GiB"):
        open_batches(Gaussians(), memory_limit=0, **OPTIONS)


@pytest.mark.parametrize("limit", [10**12, 10**30])
def test_what_no_machine_holds_is_refused_before_it_is_allocated(limit):
    for memory_limit, reason in [(4, "data.memory_limit=4"), (1e300, "this machine has")]:
        with pytest.raises(UserError, match=reason) as error:
            open_batches(Gaussians(limit=limit), memory_limit=memory_limit, **OPTIONS)
        assert "\n" not in str(error.value)


def test_what_the_machine_does_not_hold_is_streamed_where_it_can_be(folder, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 5 * 8 * 8 * 3 - 1)
    assert isinstance(opened(folder), StreamBatches)


class Untold(Dataset):
    """A dataset that only says what it must."""

    image_size, channels, n_classes = 4, 3, 0

    @property
    def sizes(self):
        return {"": 10}

    def prepare(self):
        pass

    def load(self):
        raise NotImplementedError


def test_bytes_are_counted_by_field():
    assert memory.count_bytes(Untold()) == 10 * 3 * 4 * 4
    assert memory.count_bytes(Gaussians(limit=10)) == 10 * (2 * 4 + 8)
