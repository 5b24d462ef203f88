"""How many of the modes a generator reaches, and how evenly."""

from typing import NamedTuple

import torch
from torch import Tensor


class ModeCoverage(NamedTuple):
    """What became of the modes of a Gaussian mixture.

    Attributes:
        modes_hit: modes with at least one sample within three standard deviations.
        high_quality: share of samples within three standard deviations of a mode, in [0, 1]; the
            mixture itself scores 1 - exp(-4.5) = 0.989 in the plane.
        reverse_kl: KL(generated || uniform) of the histogram of nearest modes, in nats: 0 where
            all modes are made equally often, log K where one alone is made.
        mode_overlap: the intersection of two histograms over modes, in [0, 1]: of samples within
            three standard deviations, and of the mixture itself, which puts 1 / K into each. It
            is one minus their distance in total variation; what is far from all modes, or in one
            that has its share already, does not count. The mixture itself scores just below 0.989.
    """

    modes_hit: int
    high_quality: float
    reverse_kl: float
    mode_overlap: float


def gaussian_coverage(points: Tensor, centres: Tensor, std: float) -> ModeCoverage:
    """Modes reached by `points` [N, F], of equally likely Gaussians at `centres` [K, F].

    Srivastava et al. 2017, "VEEGAN", section 5.1; Lin et al. 2018, "PacGAN", section 4.1. The
    overlap is not theirs; intersecting histograms is from Swain and Ballard 1991, "Color indexing".
    """
    distances = torch.cdist(points.double(), centres.double())  # [N, K]
    nearest, mode = distances.min(1)
    close = nearest <= 3 * std
    share = histogram(mode[close], len(centres)).double() / len(points)
    return ModeCoverage(
        modes_hit=len(mode[close].unique()),
        high_quality=float(close.double().mean()),
        reverse_kl=kl_to_uniform(histogram(mode, len(centres))),
        mode_overlap=float(share.clamp(max=1 / len(centres)).sum()),
    )


def histogram(classes: Tensor, n_classes: int) -> Tensor:
    """How often each class occurs among `classes` [N], int64 [n_classes]."""
    return classes.bincount(minlength=n_classes)


def kl_to_uniform(counts: Tensor) -> float:
    """KL(counts / sum || uniform) in nats, in [0, log K]."""
    share = counts.double() / counts.sum()
    return float(torch.xlogy(share, share * len(counts)).sum().clamp(min=0))
