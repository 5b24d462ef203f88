"""What is measured of generated samples, by name; held-out reals are measured by the same."""

from typing import NamedTuple

from torch import Tensor

from gan_cli.metrics.diversity import (
    NearestNeighbours,
    Training,
    authenticity,
    closest_pairs,
    duplicates,
    find_nearest,
    find_nearest_others,
)
from gan_cli.metrics.features import Features
from gan_cli.metrics.fidelity import (
    DENSITY_K,
    PRECISION_K,
    KernelReference,
    find_neighbourhoods,
    fit_gaussian,
    frechet_distance,
    inception_score,
    neighbourhood_overlap,
)
from gan_cli.metrics.modes import gaussian_coverage, histogram, kl_to_uniform
from gan_cli.metrics.values import CLASSIFIER

SHOWN, BESIDE = 10, 5
"""Fakes, and pairs of fakes, to be looked at, and real images beside each of the former."""
NEIGHBOURS = 10_000
"""Samples of each set that neighbourhoods are taken from, as in Naeem et al. 2020."""
PER_FEATURE = 5
"""Samples per feature below which a Frechet distance is mostly bias: the authors of FID ask for
10,000 samples of its 2,048 features."""
K = {
    "precision": PRECISION_K,
    "recall": PRECISION_K,
    "density": DENSITY_K,
    "coverage": DENSITY_K,
}
"""Which nearest neighbour bounds a neighbourhood, of each metric that has any."""


class Measurement(NamedTuple):
    """One metric of a set of samples.

    Attributes:
        value: what was found.
        n: how many samples were looked at.
        reals: how many they were compared with; 0 where there is no reference.
        feature_dim: F, where too few samples for so many features bias the value; else 0.
        k: which nearest neighbour bounds a neighbourhood; None where the metric knows none.
    """

    value: float
    n: int
    reals: int = 0
    feature_dim: int = 0
    k: int | None = None


class Measurements(NamedTuple):
    """What an extractor's features say of a set of samples.

    Attributes:
        by_name: each metric.
        nearest: what some samples lie next to, where they are images.
    """

    by_name: dict[str, Measurement]
    nearest: NearestNeighbours | None = None


class FeatureMeasures:
    """Distances to real features [N, F], overlaps with them, and copies.

    What concerns the reals alone is computed once.

    Args:
        real: the reference, in random order: what the fakes' generator was trained on.
        seed: of the kernel distance's subsets.
        inception: whose features they are; decides what the metrics are called.
    """

    def __init__(self, real: Tensor, seed: int, *, inception: bool) -> None:
        self._real = real
        self._training = Training(real)
        self._gaussian = fit_gaussian(real)
        self._kernel = KernelReference(real, seed)
        self._neighbourhoods = find_neighbourhoods(real[:NEIGHBOURS])
        self._names = ("fid", "kid") if inception else ("fd", "kd")
        self._suffix = "" if inception else CLASSIFIER

    def measure(self, features: Tensor) -> Measurements:
        """All metrics of features [M, F], in random order."""
        n, reals = len(features), len(self._real)
        frechet, kernel = self._names
        distance = frechet_distance(self._gaussian, features)
        found = {
            frechet: Measurement(distance, n, reals, features.shape[1]),
            kernel: Measurement(self._kernel.distance(features), n, reals),
        }
        few = features[:NEIGHBOURS]
        overlap = neighbourhood_overlap(self._neighbourhoods, find_neighbourhoods(few))
        of_reals = len(self._neighbourhoods.centres)
        for name, value in overlap._asdict().items():
            found[name] = Measurement(value, len(few), of_reals, k=K[name])
        found["authenticity"] = Measurement(authenticity(self._training, few), len(few), reals)
        others = find_nearest_others(few[:reals])
        compared = len(others.indices)
        found["duplicates"] = Measurement(duplicates(self._training, others), compared, compared)
        nearest = NearestNeighbours(
            find_nearest(features[:SHOWN], self._real, BESIDE).indices, closest_pairs(others, SHOWN)
        )
        return Measurements({name + self._suffix: m for name, m in found.items()}, nearest)


def measure_score(found: Features) -> dict[str, Measurement]:
    """The Inception score; there is no reference."""
    return {"is": Measurement(inception_score(found.probabilities), len(found.features))}


def measure_classes(found: Features, labels: Tensor | None) -> dict[str, Measurement]:
    """How many classes are made and how evenly, and the share that is of the class in `labels`."""
    counts = histogram(found.classes, found.probabilities.shape[1])
    values: dict[str, float] = {
        "classes_reached": int((counts > 0).sum()),
        "class_kl": kl_to_uniform(counts),
    }
    if labels is not None:
        values["label_accuracy"] = float((found.classes == labels).double().mean())
    return {name: Measurement(value, len(found.features)) for name, value in values.items()}


def measure_modes(points: Tensor, centres: Tensor, std: float) -> dict[str, Measurement]:
    """Mode coverage of points [N, 2] from Gaussians at `centres` [K, 2]."""
    values = gaussian_coverage(points, centres, std)._asdict()
    return {name: Measurement(value, len(points)) for name, value in values.items()}


def beware(fakes: Measurement, baseline: Measurement) -> str:
    """A warning where a Frechet distance has too few samples for its features, else nothing."""
    enough = PER_FEATURE * fakes.feature_dim
    if (fewest := min(fakes.n, fakes.reals)) < enough:
        return f"too high: {fewest} samples are few for {fakes.feature_dim} features"
    if baseline.n < enough:
        return f"held-out too high: {baseline.n} samples are few for {fakes.feature_dim} features"
    return ""
