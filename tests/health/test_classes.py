"""Lost classes, seen by the nearest real samples."""

import math

import pytest
import torch

from gan_cli.data.digits import Digits
from gan_cli.data.gaussians import Gaussians
from gan_cli.health.classes import NearestClasses


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Shuffled digits in [-1, 1], and their classes."""
    data = Digits(image_size=16)
    data.prepare()
    loaded = data.load()
    order = torch.randperm(len(loaded["label"]), generator=torch.Generator().manual_seed(0))
    return loaded["image"][order].float() / 127.5 - 1, loaded["label"][order]


def test_classes_of_digits() -> None:
    images, labels = digits()
    known, fresh = NearestClasses(images[:1000], labels[:1000]), images[1000:]
    assert known.kl(fresh) < 0.05
    few = (labels[1000:] == 3) | (labels[1000:] == 5)
    assert known.kl(fresh[few]) == pytest.approx(math.log(5), abs=0.35)
    one = fresh[labels[1000:] == 0]
    assert known.kl(one) == pytest.approx(math.log(10), abs=0.35)


def test_few_fakes_are_not_uneven_for_being_few() -> None:
    images, labels = digits()
    known = NearestClasses(images[:1000], labels[:1000])
    found = [known.kl(images[1000 + 16 * n : 1016 + 16 * n]) for n in range(20)]
    assert torch.stack(found).mean() < 0.2


def test_modes_of_the_ring() -> None:
    data = Gaussians("ring")
    loaded = data.load()
    points, labels = loaded["image"], loaded["label"]
    known = NearestClasses(points[:500], labels[:500])
    assert known.kl(points[1000:2000]) < 0.05
    assert known.kl(data.centres[:1].repeat(64, 1)) == pytest.approx(math.log(8), abs=0.3)
