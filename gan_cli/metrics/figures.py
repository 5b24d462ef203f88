"""Figures as they are reported: never a number without what it was computed from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from gan_cli.metrics.features import Features
from gan_cli.metrics.fidelity import (
    frechet_distance,
    inception_score,
    kernel_distance,
    neighbourhood_overlap,
)
from gan_cli.metrics.modes import gaussian_coverage, histogram, kl_to_uniform

NEIGHBOURS = 10_000
"""Samples of each set that neighbourhoods are taken from, as in Naeem et al. 2020."""
PER_FEATURE = 5
"""Samples per feature below which a Frechet distance is mostly bias: the authors of FID ask for
10,000 samples of its 2,048 features."""


@dataclass(frozen=True)
class Figure:
    """One measure of fakes, and the same of real pictures held out: the best one can hope for.

    Attributes:
        name: such as `fid`.
        value: of the fakes.
        held_out: of held-out reals put in the fakes' place.
        fakes: how many.
        reals: how many of the reference; 0 where there is none.
        held_out_reals: how many.
        split: of the reference.
        held_out_split: of the held-out reals.
        extractor: what made the features.
        seed: of the fakes and of subsets.
        note: what to beware of.
    """

    name: str
    value: float
    held_out: float
    fakes: int
    reals: int
    held_out_reals: int
    split: str
    held_out_split: str
    extractor: str
    seed: int
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """What the figures of one extractor have in common.

    Attributes:
        extractor: its name and, where it was trained here, how good it is.
        split: which real pictures the reference is.
        held_out_split: which real pictures were held out.
        seed: of the fakes and of subsets.
    """

    extractor: str
    split: str
    held_out_split: str
    seed: int

    def fidelity(
        self, real: Tensor, held_out: Tensor, fake: Tensor, frechet: str, kernel: str
    ) -> list[Figure]:
        """Distances and overlaps of features: reference, held-out reals and fakes, [*, F].

        Args:
            real: the reference.
            held_out: as many as there are fakes, or all there are.
            fake: what is judged.
            frechet: what the Frechet distance is called with this extractor.
            kernel: what the kernel distance is called.
        """
        values, floors = (
            {
                frechet: frechet_distance(real, features),
                kernel: kernel_distance(real, features, self.seed),
                **neighbourhood_overlap(real[:NEIGHBOURS], features[:NEIGHBOURS])._asdict(),
            }
            for features in (fake, held_out)
        )
        counts = len(fake), len(real), len(held_out)
        fewer = (
            min(len(fake), NEIGHBOURS),
            min(len(real), NEIGHBOURS),
            min(len(held_out), NEIGHBOURS),
        )
        distances = (frechet, kernel)
        figures = [
            self._figure(name, value, floors[name], counts if name in distances else fewer)
            for name, value in values.items()
        ]
        figures[0] = replace(figures[0], note=few_samples(*counts, fake.shape[1]))
        return figures

    def inception_score(self, held_out: Tensor, fake: Tensor) -> Figure:
        """Inception score of probabilities [*, K]; there is no reference."""
        counts = (len(fake), 0, len(held_out))
        return self._figure("is", inception_score(fake), inception_score(held_out), counts)

    def classes(self, held_out: Features, fake: Features) -> list[Figure]:
        """How many classes are made, and how evenly."""
        n_classes = fake.probabilities.shape[1]
        made, there = (histogram(f.classes, n_classes) for f in (fake, held_out))
        counts = (len(fake.features), 0, len(held_out.features))
        return [
            self._figure("classes_reached", int((made > 0).sum()), int((there > 0).sum()), counts),
            self._figure("class_kl", kl_to_uniform(made), kl_to_uniform(there), counts),
        ]

    def label_accuracy(
        self, held_out: Features, held_out_labels: Tensor, fake: Features, ordered: Tensor
    ) -> Figure:
        """Share of fakes that the classifier takes for the class that was ordered, in [0, 1]."""
        value, floor = accuracy(fake, ordered), accuracy(held_out, held_out_labels)
        counts = (len(ordered), 0, len(held_out_labels))
        return self._figure("label_accuracy", value, floor, counts)

    def modes(self, held_out: Tensor, fake: Tensor, centres: Tensor, std: float) -> list[Figure]:
        """Mode coverage of points [*, 2] from Gaussians at `centres` [K, 2]."""
        value, floor = (gaussian_coverage(p, centres, std)._asdict() for p in (fake, held_out))
        counts = (len(fake), 0, len(held_out))
        return [self._figure(name, value[name], floor[name], counts) for name in value]

    def _figure(
        self, name: str, value: float, floor: float, counts: tuple[int, int, int]
    ) -> Figure:
        fakes, reals, held_out = counts
        return Figure(
            name,
            value,
            floor,
            fakes,
            reals,
            held_out,
            self.split,
            self.held_out_split,
            self.extractor,
            self.seed,
        )


def accuracy(found: Features, labels: Tensor) -> float:
    """Share of pictures whose likeliest class is their label, in [0, 1]."""
    return float((found.classes == labels).double().mean())


def few_samples(fakes: int, reals: int, held_out: int, feature_dim: int) -> str:
    """A warning where a Frechet distance has too few samples for its features, else nothing."""
    enough = PER_FEATURE * feature_dim
    if min(fakes, reals) < enough:
        return f"too high: {min(fakes, reals)} samples are few for {feature_dim} features"
    if held_out < enough:
        return f"held-out too high: {held_out} samples are few for {feature_dim} features"
    return ""


def table(figures: Sequence[Figure]) -> str:
    """Figures of one extractor as lines for a terminal."""
    rows = [("", "fakes", "held-out reals", "")]
    rows += [(f.name, f"{f.value:.4g}", f"{f.held_out:.4g}", f.note) for f in figures]
    return "\n".join(f"  {n:<18}{v:>10}{h:>16}  {note}".rstrip() for n, v, h, note in rows)
