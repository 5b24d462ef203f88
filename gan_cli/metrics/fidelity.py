"""How close a set of generated features is to a set of real ones.

All functions take features [N, F] and compute in float64. They know nothing of where features come
from: see `features.py` for Inception's and `classifier.py` for those of a classifier trained here.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from gan_cli import randomness

ROWS = 1000
"""Rows of a distance matrix held at once."""


class Gaussian(NamedTuple):
    """A Gaussian fitted to features.

    Attributes:
        mean: [F].
        root: A with A A^T the unbiased covariance, [F, F].
    """

    mean: Tensor
    root: Tensor


def fit_gaussian(features: Tensor) -> Gaussian:
    """The Gaussian of features [N, F], in float64."""
    mean = features.mean(0, dtype=torch.float64)
    scatter = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for part in features.split(ROWS):  # bounds the copy in float64
        centred = part.double() - mean
        scatter += centred.T @ centred
    variances, axes = torch.linalg.eigh(scatter / (len(features) - 1))
    return Gaussian(mean, axes * variances.clamp(min=0).sqrt())


def frechet_distance(real: Tensor | Gaussian, fake: Tensor | Gaussian) -> float:
    """Squared Frechet distance of two Gaussians, given or fitted to features [N, F] and [M, F].

    d^2 = |m_r - m_g|^2 + Tr(S_r + S_g - 2 (S_r S_g)^(1/2))

    Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium", equation 6. With S_r = A A^T and S_g = B B^T, the eigenvalues of S_r S_g are the
    squared singular values of A^T B, so the trace of the root is the sum of the latter. Nothing
    is squared and rooted again on the way, which keeps the distance of a set to itself at zero.
    """
    (mean_r, A), (mean_g, B) = (
        x if isinstance(x, Gaussian) else fit_gaussian(x) for x in (real, fake)
    )
    overlap = torch.linalg.svdvals(A.T @ B).sum()
    distance = (mean_r - mean_g).square().sum() + A.square().sum() + B.square().sum() - 2 * overlap
    return max(float(distance), 0.0)


def kernel_distance(
    real: Tensor, fake: Tensor, seed: int = 0, subsets: int = 100, subset_size: int = 1000
) -> float:
    """Unbiased squared MMD with the kernel (x.y / F + 1)^3, the mean over random subsets.

    Binkowski et al. 2018, "Demystifying MMD GANs", section 4.3 (KID on Inception's features).
    Unbiased: two sets of one distribution give zero on average, so single values may be negative.

    Args:
        real: [N, F].
        fake: [M, F].
        seed: of the subsets.
        subsets: how many are drawn.
        subset_size: samples of each set in a subset; at most N and M are used.
    """
    real, fake = real.double(), fake.double()
    size = min(subset_size, len(real), len(fake))
    draw = randomness.generator("kernel distance", seed)
    total = 0.0
    for _ in range(subsets):
        x = real[torch.randperm(len(real), generator=draw)[:size]]
        y = fake[torch.randperm(len(fake), generator=draw)[:size]]
        within = sum(k.sum() - k.trace() for k in (_kernel(x, x), _kernel(y, y)))
        total += float(within / (size * (size - 1)) - 2 * _kernel(x, y).mean())
    return total / subsets


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def inception_score(probabilities: Tensor, splits: int = 10) -> float:
    """exp E KL(p(y|x) || p(y)), the mean over `splits` parts of the samples.

    Salimans et al. 2016, "Improved techniques for training GANs", section 4. From 1 (all samples
    alike, or no class ever certain) to K (every class, each without doubt).

    Args:
        probabilities: a classifier's p(y|x), [N, K]; rows in random order.
        splits: parts the samples are cut into; published figures take 10.
    """
    scores = []
    for part in probabilities.double().tensor_split(min(splits, len(probabilities))):
        # xlogy: a class of probability zero adds nothing
        certain = torch.xlogy(part, part).sum(1)
        marginal = part.mean(0)
        scores.append((certain.mean() - torch.xlogy(marginal, marginal).sum()).exp())
    return float(torch.stack(scores).mean())


class Overlap(NamedTuple):
    """How the neighbourhoods of real and generated features overlap.

    Attributes:
        precision: share of fakes within the reals' neighbourhoods, in [0, 1]: are they realistic?
        recall: share of reals within the fakes' neighbourhoods, in [0, 1]: is everything made?
        density: how many of the reals' neighbourhoods a fake lies in, over k; about 1 where the
            distributions agree, and not bounded by it. One outlier among the reals hardly moves it.
        coverage: share of reals with a fake in their neighbourhood, in [0, 1].
    """

    precision: float
    recall: float
    density: float
    coverage: float


class Neighbourhoods(NamedTuple):
    """Balls around features that reach each one's k-th neighbour.

    Attributes:
        centres: float64 [N, F].
        radii: [N].
        k: which neighbour.
    """

    centres: Tensor
    radii: Tensor
    k: int


def find_neighbourhoods(features: Tensor, k: int = 5) -> Neighbourhoods:
    """The neighbourhoods of features [N, F].

    Raises:
        ValueError: there are k or fewer.
    """
    if len(features) <= k:
        raise ValueError(f"neighbourhoods of k={k} need more than {k} samples in each set")
    centres = features.double()
    radii = [
        # the sample itself is the nearest
        torch.cdist(rows, centres).topk(k + 1, largest=False).values[:, -1]
        for rows in centres.split(ROWS)
    ]
    return Neighbourhoods(centres, torch.cat(radii), k)


def neighbourhood_overlap(real: Neighbourhoods, fake: Neighbourhoods) -> Overlap:
    """Compare N real and M generated features by their neighbourhoods.

    Precision and recall: Kynkaanniemi et al. 2019, "Improved precision and recall metric for
    assessing generative models", equation 1. Density and coverage: Naeem et al. 2020, "Reliable
    fidelity and diversity metrics for generative models", equations 5 and 6. They depend on N and
    M: compare only figures with the same.
    """
    balls = torch.zeros(len(fake.centres), dtype=torch.int64)  # of reals, around each fake
    recalled, covered = 0, 0
    for start in range(0, len(real.centres), ROWS):
        rows = slice(start, start + ROWS)
        distances = torch.cdist(real.centres[rows], fake.centres)  # [rows, M]
        inside = distances <= real.radii[rows, None]
        balls += inside.sum(0)
        covered += int(inside.any(1).sum())
        recalled += int((distances <= fake.radii).any(1).sum())
    return Overlap(
        precision=float((balls > 0).double().mean()),
        recall=recalled / len(real.centres),
        density=float(balls.double().mean()) / real.k,
        coverage=covered / len(real.centres),
    )
