"""What is measured of generated samples, by name; held-out reals are measured by the same."""

from typing import NamedTuple

from torch import Tensor

from gan_cli.metrics.features import Features
from gan_cli.metrics.fidelity import (
    find_neighbourhoods,
    fit_gaussian,
    frechet_distance,
    inception_score,
    kernel_distance,
    neighbourhood_overlap,
)
from gan_cli.metrics.figures import CLASSIFIER
from gan_cli.metrics.modes import gaussian_coverage, histogram, kl_to_uniform

NEIGHBOURS = 10_000
"""Samples of each set that neighbourhoods are taken from, as in Naeem et al. 2020."""
PER_FEATURE = 5
"""Samples per feature below which a Frechet distance is mostly bias: the authors of FID ask for
10,000 samples of its 2,048 features."""


class Reading(NamedTuple):
    """One measure of a set of samples.

    Attributes:
        value: what was found.
        samples: how many were looked at.
        reals: how many they were compared with; 0 where there is no reference.
        feature_dim: F, where too few samples for so many features bias the value; else 0.
    """

    value: float
    samples: int
    reals: int = 0
    feature_dim: int = 0


class FeatureMeasures:
    """Distances to real features [N, F] and overlaps with them.

    What concerns the reals alone is computed once.

    Args:
        real: the reference, in random order.
        seed: of the kernel distance's subsets.
        inception: whose features they are; decides what the figures are called.
    """

    def __init__(self, real: Tensor, seed: int, *, inception: bool) -> None:
        self._real, self._seed = real, seed
        self._gaussian = fit_gaussian(real)
        self._neighbourhoods = find_neighbourhoods(real[:NEIGHBOURS])
        self._frechet, self._kernel = ("fid", "kid") if inception else ("fd", "kd")
        self._suffix = "" if inception else CLASSIFIER

    def measure(self, features: Tensor) -> dict[str, Reading]:
        """All figures of features [M, F], in random order."""
        near = find_neighbourhoods(features[:NEIGHBOURS])
        overlap = neighbourhood_overlap(self._neighbourhoods, near)._asdict()
        reals, of_reals = len(self._real), len(self._neighbourhoods.centres)
        kernel = kernel_distance(self._real, features, self._seed)
        found = {
            self._frechet: Reading(
                frechet_distance(self._gaussian, features), len(features), reals, features.shape[1]
            ),
            self._kernel: Reading(kernel, len(features), reals),
            **{name: Reading(v, len(near.centres), of_reals) for name, v in overlap.items()},
        }
        return {name + self._suffix: reading for name, reading in found.items()}


def measure_score(found: Features) -> dict[str, Reading]:
    """The Inception score; there is no reference."""
    return {"is": Reading(inception_score(found.probabilities), len(found.features))}


def measure_classes(found: Features, labels: Tensor | None) -> dict[str, Reading]:
    """How many classes are made and how evenly, and the share that is of the class in `labels`."""
    counts = histogram(found.classes, found.probabilities.shape[1])
    values: dict[str, float] = {
        "classes_reached": int((counts > 0).sum()),
        "class_kl": kl_to_uniform(counts),
    }
    if labels is not None:
        values["label_accuracy"] = float((found.classes == labels).double().mean())
    return {name: Reading(value, len(found.features)) for name, value in values.items()}


def measure_modes(points: Tensor, centres: Tensor, std: float) -> dict[str, Reading]:
    """Mode coverage of points [N, 2] from Gaussians at `centres` [K, 2]."""
    values = gaussian_coverage(points, centres, std)._asdict()
    return {name: Reading(value, len(points)) for name, value in values.items()}


def beware(fakes: Reading, held_out: Reading) -> str:
    """A warning where a Frechet distance has too few samples for its features, else nothing."""
    enough = PER_FEATURE * fakes.feature_dim
    if (fewest := min(fakes.samples, fakes.reals)) < enough:
        return f"too high: {fewest} samples are few for {fakes.feature_dim} features"
    if held_out.samples < enough:
        return (
            f"held-out too high: {held_out.samples} samples are few for "
            f"{fakes.feature_dim} features"
        )
    return ""
