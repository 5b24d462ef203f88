"""How bright images are, pixel by pixel: what features of shapes may look past.

A generator can draw every stroke and leave fog where the reals are black: a discriminator that
normalises real and fake apart (BatchNorm) hardly sees the difference.
"""

import torch
from torch import Tensor


def dark_half(images: Tensor) -> float:
    """Mean over the darker half of each image's pixels, in [0, 255]: how black the background is.

    Args:
        images: uint8 [N, C, H, W].
    """
    pixels = images.flatten(1).sort(dim=1).values  # [N, C*H*W]
    return float(pixels[:, : pixels.shape[1] // 2].double().mean())


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
    counts = torch.bincount(images.flatten().long(), minlength=256).double()
    return counts.cumsum(0) / counts.sum()
