"""Borders put together from slices are those that torch pads with."""

import pytest
import torch
from torch.nn import functional as F

from gan_cli import mirrored


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 3), (2, 0), (1, 4)])
def test_sequences(before: int, after: int) -> None:
    x = torch.randn(2, 3, 5)
    padded = F.pad(x, (before, after), mode="reflect")
    assert torch.equal(mirrored._from_slices(x, before, after, 2), padded)
    assert torch.equal(mirrored.reflect(x, before, after), padded)


def test_images_and_their_gradients() -> None:
    """As a GPU pads them: the same images, and gradients that differ by rounding at most."""
    x = torch.randn(2, 3, 6, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 3, 12, 11, dtype=torch.float64)
    across = mirrored._from_slices(x, 3, 3, 3)
    found = mirrored._from_slices(across, 3, 3, 2)
    expected = mirrored.Reflect(3)(x)
    assert torch.equal(found, expected)
    gradients = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (found, expected)]
    torch.testing.assert_close(*gradients)


def test_more_than_there_is() -> None:
    with pytest.raises(RuntimeError):
        mirrored._from_slices(torch.zeros(1, 1, 3), 3, 0, 2)
