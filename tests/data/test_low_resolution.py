"""Pairs of a small and a large image: made of any images, and cut out of photos."""

from pathlib import Path

import pytest
import torch

from gan_cli.data.crops import Crops
from gan_cli.data.digits import Digits
from gan_cli.data.images import resize
from gan_cli.data.low_resolution import LowResolution
from gan_cli.errors import UserError
from tests.data.image_files import write_image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three to train on, of several sizes, and one to test on."""
    for number, size in enumerate([(20, 30), (16, 16), (40, 17)]):
        write_image(tmp_path / "DIV2K_train_HR" / f"{number}.png", seed=number, size=size)
    write_image(tmp_path / "DIV2K_valid_HR" / "9.png", seed=9, size=(24, 24))
    return tmp_path


def test_small_ones_are_made_of_large_ones():
    dataset = LowResolution(Digits(16, limit=5), scale=4)
    assert {n: f.shape for n, f in dataset.fields.items()} == {
        "source": (1, 4, 4),
        "target": (1, 16, 16),
        "label": (),
    }
    dataset.prepare()
    data, digits = dataset.load(), Digits(16, limit=5).load()
    assert torch.equal(data["target"], digits["image"])
    assert torch.equal(data["source"], resize(digits["image"], 4))
    assert torch.equal(data["label"], digits["label"])
    held_out = dataset.held_out()
    assert held_out is not None
    assert (held_out.part, held_out.fields["source"].shape) == ("test", (1, 4, 4))


@pytest.mark.parametrize("scale", [1, 3, 16])
def test_a_scale_that_does_not_divide_is_refused(scale: int):
    with pytest.raises(ValueError, match=f"scale={scale}: image_size=16 cannot"):
        LowResolution(Digits(16), scale)


def test_crops_lie_in_their_photos_and_stay_the_same(photos: Path):
    dataset = Crops(str(photos), image_size=16, scale=2, crops=3, rotate=False, cache=False)
    dataset.prepare()
    assert len(dataset) == 9
    data = dataset.load()
    assert data["target"].shape == (9, 3, 16, 16)
    assert torch.equal(data["source"], resize(data["target"], 8))
    for index in (0, 4, 8):  # one at a time, as a stream has them
        one = dataset.open("", index)
        assert all(torch.equal(one[name], data[name][index]) for name in one)
    whole = dataset._images.decode("DIV2K_train_HR/1.png")  # as large as a square
    assert all(torch.equal(square, whole) for square in data["target"][3:6])
    assert not torch.equal(data["target"][0], data["target"][1])
    assert dataset.listing("")[4][0] == "DIV2K_train_HR/1.png"
    held_out = dataset.held_out()
    assert held_out is not None
    held_out.prepare()
    assert len(held_out) == 3


def test_crops_are_turned(photos: Path):
    dataset = Crops(str(photos), image_size=16, scale=2, crops=20, limit=2, cache=False)
    dataset.prepare()
    whole = dataset._images.decode("DIV2K_train_HR/1.png")
    turned = [torch.rot90(whole, k, (1, 2)) for k in range(4)]
    found = [
        [k for k in range(4) if torch.equal(square, turned[k])]
        for square in dataset.load()["target"][20:]
    ]
    assert {k for ks in found for k in ks} == {0, 1, 2, 3}
    assert all(len(ks) == 1 for ks in found)


def test_photos_too_small_are_named_or_left_out(photos: Path):
    asked = {"image_size": 20, "scale": 2, "crops": 2, "cache": False}
    dataset = Crops(str(photos), **asked)
    dataset.prepare()
    with pytest.raises(UserError, match=r"1\.png: cannot be used \(16x16 pixels, and"):
        dataset.load()
    dataset = Crops(str(photos), on_corrupt="skip", **asked)
    dataset.prepare()
    assert len(dataset) == 2


def test_photos_in_no_parts_are_all_to_train_on(tmp_path: Path):
    write_image(tmp_path / "a.png", size=(16, 16))
    dataset = Crops(str(tmp_path), image_size=16, crops=1)
    dataset.prepare()
    assert (len(dataset), dataset.held_out()) == (1, None)
    with pytest.raises(UserError, match=r"data\.split=test"):
        Crops(str(tmp_path), image_size=16, split="test").prepare()
