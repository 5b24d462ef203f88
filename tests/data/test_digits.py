import pytest
import torch

from gan_cli.data.digits import Digits
from gan_cli.data.fields import Field


def load(**options):
    dataset = Digits(**options)
    dataset.prepare()
    return dataset, dataset.load()


def test_at_8_pixels_the_seventeen_shades_are_scaled_and_nothing_else():
    from sklearn.datasets import load_digits

    _, data = load(image_size=8)
    expected = (torch.from_numpy(load_digits().images[:1497]) * 255 / 16).round().to(torch.uint8)
    assert torch.equal(data["image"][:, 0], expected)


def test_splits_are_apart_and_whole():
    train, test = load(split="train"), load(split="test")
    assert (len(train[0]), len(test[0])) == (1497, 300)
    assert [len(data["image"]) for _, data in (train, test)] == [1497, 300]
    labels = torch.cat([train[1]["label"], test[1]["label"]])
    assert labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_resized_to_what_is_asked_and_still_using_the_full_range():
    _, data = load(image_size=16, channels=3, limit=50)
    assert data["image"].shape == (50, 3, 16, 16)
    assert data["image"].dtype == torch.uint8
    assert (data["image"].min(), data["image"].max()) == (0, 255)
    assert torch.equal(data["image"][:, 0], data["image"][:, 2])


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="channels=2"):
        Digits(channels=2)


def test_fields_names_and_what_is_held_out():
    dataset = Digits(limit=5)
    assert dict(dataset.fields) == {"image": Field("image", (1, 16, 16)), "label": Field("label")}
    assert dataset.class_names == tuple("0123456789")
    assert (dataset.part, dataset.sizes) == ("train", {"": 5})
    assert (dataset.held_out().part, dataset.held_out().sizes) == ("test", {"": 300})
    assert dataset.held_out().held_out().sizes == dataset.whole().sizes == {"": 1497}


def test_one_digit_is_a_dataset():
    dataset, data = load(image_size=8, limit=1)
    assert (len(dataset), data["image"].shape, data["label"].tolist()) == (1, (1, 1, 8, 8), [0])
