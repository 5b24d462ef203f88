"""Whether fakes are copies: of training samples, or of each other.

All functions take features [N, F]; see `fidelity.py`.
"""

from typing import NamedTuple

import torch
from torch import Tensor

ROWS, COLUMNS = 1000, 10_000
"""The part of a distance matrix that is held at once, 40 MB."""
CLOSE = 0.01
"""Share of real samples that lie as near to another as duplicates do."""


class Neighbours(NamedTuple):
    """The nearest samples of each of M samples, the nearest first.

    Attributes:
        distances: float64 [M, k].
        indices: int64 [M, k].
    """

    distances: Tensor
    indices: Tensor


def find_nearest(x: Tensor, among: Tensor, k: int = 1, own: Tensor | None = None) -> Neighbours:
    """The k nearest of `among` [N, F] to each of x [M, F]; all, where there are fewer.

    They are searched in the features' own precision, around their mean for the sake of
    |a|^2 + |b|^2 - 2 a.b. The distances found are then computed from the differences themselves,
    in float64, so that a copy is at distance zero.

    Args:
        x: whose neighbours are wanted.
        among: where they are looked for.
        k: how many.
        own: where x itself stands in `among`, int64 [M], if it does: no sample is its own
            neighbour.
    """
    k = min(k, len(among) - (own is not None))
    centre = among.mean(0)
    distances, indices = [], []
    for start in range(0, len(x), ROWS):
        rows = x[start : start + ROWS]
        selves = None if own is None else own[start : start + ROWS]
        found = _search(rows, among, centre, k, selves)
        apart = (among[found].double() - rows[:, None].double()).norm(dim=2)  # [rows, k]
        apart, order = apart.sort(dim=1)
        distances.append(apart)
        indices.append(found.gather(1, order))
    return Neighbours(torch.cat(distances), torch.cat(indices))


def _search(rows: Tensor, among: Tensor, centre: Tensor, k: int, own: Tensor | None) -> Tensor:
    """Indices [rows, k] of the nearest, a block of `among` after the other."""
    nearest = torch.full((len(rows), k), torch.inf, dtype=rows.dtype)
    indices = torch.zeros(len(rows), k, dtype=torch.int64)
    for start in range(0, len(among), COLUMNS):
        distances = torch.cdist(rows - centre, among[start : start + COLUMNS] - centre)
        if own is not None:
            here = (own >= start) & (own < start + COLUMNS)
            distances[here, own[here] - start] = torch.inf
        found = distances.topk(min(k, distances.shape[1]), largest=False)
        both = torch.cat([nearest, found.values], 1)
        nearest, chosen = both.topk(k, largest=False)
        indices = torch.cat([indices, found.indices + start], 1).gather(1, chosen)
    return indices


class Training:
    """Training features [N, F] in random order; how near they lie to each other is found once."""

    def __init__(self, features: Tensor) -> None:
        self.features = features
        self._gaps = torch.full((len(features),), torch.nan, dtype=torch.float64)
        self._closeness: dict[int, float] = {}

    def gaps(self, indices: Tensor) -> Tensor:
        """Distance of the samples at `indices` [M] to their nearest other one, float64 [M]."""
        unknown = indices[self._gaps[indices].isnan()].unique()
        if len(unknown):
            found = find_nearest(self.features[unknown], self.features, own=unknown)
            self._gaps[unknown] = found.distances[:, 0]
        return self._gaps[indices]

    def closeness(self, count: int) -> float:
        """The distance within which one in a hundred of the first `count` has another of them."""
        if count not in self._closeness:
            nearest = find_nearest_others(self.features[:count]).distances[:, 0]
            self._closeness[count] = float(nearest.quantile(CLOSE))
        return self._closeness[count]


def find_nearest_others(features: Tensor) -> Neighbours:
    """The nearest other sample of each of N samples, [N, 1]."""
    return find_nearest(features, features, own=torch.arange(len(features)))


def authenticity(training: Training, fake: Tensor) -> float:
    """Share of fakes [M, F] that are no copies of a training sample, in [0, 1].

    A fake counts as a copy if it is nearer to its nearest training sample than that one is to any
    other training sample.

    Alaa et al. 2022, "How faithful is your synthetic data? Sample-level metrics for evaluating and
    auditing generative models", with distances in feature space.
    """
    nearest = find_nearest(fake, training.features)
    return float(
        (nearest.distances > training.gaps(nearest.indices[:, 0])[:, None]).double().mean()
    )


def duplicates(training: Training, nearest: Neighbours) -> float:
    """Share of fakes that have another fake as near as only one real in a hundred has another.

    About 0.01 for real samples, 1 for a generator that always makes the same. The nearest of many
    is nearer than the nearest of few, so as many reals are taken as there are fakes.

    Args:
        training: at least as many as there are fakes.
        nearest: of the fakes, see `find_nearest_others`.
    """
    distances = nearest.distances[:, 0]
    return float((distances <= training.closeness(len(distances))).double().mean())


class NearestNeighbours(NamedTuple):
    """What some fakes lie next to.

    Attributes:
        training: of the first fakes each, the nearest training samples, int64 [R, k].
        near_duplicates: the pairs of fakes closest to each other, the closest first, int64 [P, 2].
    """

    training: Tensor
    near_duplicates: Tensor


def closest_pairs(nearest: Neighbours, count: int) -> Tensor:
    """At most `count` pairs [P, 2] of a sample and its nearest other, the closest pairs first."""
    ordered = nearest.distances[:, 0].argsort(stable=True)
    pairs = torch.stack([ordered, nearest.indices[ordered, 0]], 1).tolist()
    distinct = {frozenset(pair): pair for pair in reversed(pairs)}  # two may be each other's
    return torch.tensor(list(distinct.values())[::-1][:count])
