"""How close a set of generated features is to a set of real ones.

All functions take features [N, F] and compute in float64. They know nothing of where features come
from: see `features.py` for Inception's and `classifier.py` for those of a classifier trained here.
"""

from collections.abc import Iterator, Sequence
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


class KernelReference:
    """Real features that kernel distances are taken to; what concerns them alone is kept.

    The distance is the unbiased squared MMD with the kernel (x.y / F + 1)^3, the mean over random
    subsets. Binkowski et al. 2018, "Demystifying MMD GANs", section 4.3 (KID on Inception's
    features). Unbiased: two sets of one distribution give zero on average, so single values may be
    negative.

    Args:
        real: [N, F].
        seed: of the subsets.
        subsets: how many are drawn.
        subset_size: samples of each set in a subset, fewer where there are fewer.
    """

    def __init__(
        self, real: Tensor, seed: int = 0, subsets: int = 100, subset_size: int = 1000
    ) -> None:
        self._real, self._seed = real, seed
        self._subsets, self._subset_size = subsets, subset_size
        self._within: dict[int, float] = {}

    def distance(self, fake: Tensor) -> float:
        """From the reals to features [M, F]."""
        size = min(self._subset_size, len(self._real), len(fake))
        if size not in self._within:
            self._within[size] = sum(_within(x) for x in self._draw("real", self._real, size))
        total = self._within[size]
        reals, fakes = self._draw("real", self._real, size), self._draw("fake", fake, size)
        for x, y in zip(reals, fakes, strict=True):
            total += _within(y) - 2 * float(_kernel(x, y).mean())
        return total / self._subsets

    def _draw(self, whose: str, features: Tensor, size: int) -> Iterator[Tensor]:
        """The subsets, [size, F] each, always the same."""
        draw = randomness.generator("kernel distance", whose, self._seed)
        for _ in range(self._subsets):
            yield features[torch.randperm(len(features), generator=draw)[:size]].double()


def _within(x: Tensor) -> float:
    """Mean kernel of two different samples among x [N, F]."""
    kernel = _kernel(x, x)
    return float((kernel.sum() - kernel.trace()) / (len(x) * (len(x) - 1)))


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


PRECISION_K, DENSITY_K = 3, 5
"""Which neighbour the neighbourhoods reach: of precision and recall, of density and coverage."""


class Neighbourhoods(NamedTuple):
    """Balls around features that reach some of each one's neighbours.

    Attributes:
        centres: float64 [N, F].
        radii: [N] each, by which neighbour they reach.
    """

    centres: Tensor
    radii: dict[int, Tensor]


def find_neighbourhoods(
    features: Tensor, ks: Sequence[int] = (PRECISION_K, DENSITY_K)
) -> Neighbourhoods:
    """The neighbourhoods of features [N, F] that reach the k-th neighbour, for each k in `ks`.

    Raises:
        ValueError: there are k or fewer.
    """
    furthest = max(ks)
    if len(features) <= furthest:
        raise ValueError(
            f"neighbourhoods of k={furthest} need more than {furthest} samples in each set"
        )
    centres = features.double()
    nearest = torch.cat(
        [
            # the sample itself is the nearest
            torch.cdist(rows, centres).topk(furthest + 1, largest=False).values
            for rows in centres.split(ROWS)
        ]
    )  # [N, k + 1], upwards
    return Neighbourhoods(centres, {k: nearest[:, k] for k in ks})


def neighbourhood_overlap(
    real: Neighbourhoods,
    fake: Neighbourhoods,
    precision_k: int = PRECISION_K,
    density_k: int = DENSITY_K,
) -> Overlap:
    """Compare N real and M generated features by their neighbourhoods.

    Precision and recall: Kynkaanniemi et al. 2019, "Improved precision and recall metric for
    assessing generative models", equation 1, with k = 3; the edge of a neighbourhood belongs to it.
    Density and coverage: Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative
    models", equations 5 and 6, with k = 5; the edge does not, as in the authors' code. All depend
    on N and M: compare only values with the same.
    """
    realistic = torch.zeros(len(fake.centres), dtype=torch.bool)
    balls = torch.zeros(len(fake.centres), dtype=torch.int64)  # of reals, around each fake
    recalled, covered = 0, 0
    for start in range(0, len(real.centres), ROWS):
        rows = slice(start, start + ROWS)
        distances = torch.cdist(real.centres[rows], fake.centres)  # [rows, M]
        realistic |= (distances <= real.radii[precision_k][rows, None]).any(0)
        recalled += int((distances <= fake.radii[precision_k]).any(1).sum())
        inside = distances < real.radii[density_k][rows, None]
        balls += inside.sum(0)
        covered += int(inside.any(1).sum())
    return Overlap(
        precision=float(realistic.double().mean()),
        recall=recalled / len(real.centres),
        density=float(balls.double().mean()) / density_k,
        coverage=covered / len(real.centres),
    )
