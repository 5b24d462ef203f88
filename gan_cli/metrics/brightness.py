"""How bright images are, pixel by pixel: what features of shapes may look past.

A generator can draw every stroke and leave fog where the reals are black: a discriminator that
normalises real and fake apart (BatchNorm) hardly sees the difference.
"""

import torch
from torch import Tensor

PART = 1000
"""Images that are looked at at once: sorting and counting take many bytes a pixel."""


def dark_half(images: Tensor) -> float:
    """Mean over the darker half of each image's pixels, in [0, 255]: how black the background is.

    Args:
        images: uint8 [N, C, H, W].
    """
    half = images[0].numel() // 2
    sums = [part.flatten(1).sort(dim=1).values[:, :half].sum() for part in images.split(PART)]
    return float(torch.stack(sums).sum()) / (len(images) * half)


def pixel_distance(images: Tensor, real: Tensor) -> float:
    """How far pixels' values must be moved to be distributed as the reals', a mean in [0, 255].

    The Wasserstein-1 distance of the two histograms over all pixels, that is, the area between
    their cumulated distributions.

    Args:
        images: uint8 [N, C, H, W].
        real: uint8 [M, C, H, W].
    """
    return float((_cumulated(images) - _cumulated(real)).abs().sum())


def _cumulated(images: Tensor) -> Tensor:
    """The share of pixels that are at most 0, 1, ..., 255: float64 [256]."""
    parts = [part.flatten().bincount(minlength=256) for part in images.split(PART)]
    counts = torch.stack(parts).sum(0).double()
    return counts.cumsum(0) / counts.sum()
