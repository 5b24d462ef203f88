import pytest
import torch

from gan_cli.data.digits import Digits


def load(**options):
    dataset = Digits(**options)
    dataset.prepare()
    return dataset, dataset.load()


def test_at_8_pixels_the_seventeen_shades_are_scaled_and_nothing_else():
    from sklearn.datasets import load_digits

    _, pictures = load(image_size=8)
    expected = (torch.from_numpy(load_digits().images[:1497]) * 255 / 16).round().to(torch.uint8)
    assert torch.equal(pictures.images[:, 0], expected)


def test_splits_are_apart_and_whole():
    train, test = load(split="train"), load(split="test")
    assert (len(train[0]), len(test[0])) == (1497, 300)
    assert [len(p.images) for _, p in (train, test)] == [1497, 300]
    labels = torch.cat([train[1].labels, test[1].labels])
    assert labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_resized_to_what_is_asked_and_still_using_the_full_range():
    _, pictures = load(image_size=16, channels=3, limit=50)
    assert pictures.images.shape == (50, 3, 16, 16)
    assert pictures.images.dtype == torch.uint8
    assert (pictures.images.min(), pictures.images.max()) == (0, 255)
    assert torch.equal(pictures.images[:, 0], pictures.images[:, 2])


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="channels=2"):
        Digits(channels=2)
