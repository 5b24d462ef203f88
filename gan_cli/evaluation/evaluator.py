"""Fakes measured against real pictures, as often as one likes."""

import logging
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from gan_cli.data.gaussians import Gaussians
from gan_cli.errors import UserError
from gan_cli.evaluation.reference import Reference
from gan_cli.games import latents as sampling
from gan_cli.metrics.cache import cache_folder
from gan_cli.metrics.classifier import open_classifier
from gan_cli.metrics.diversity import Likeness
from gan_cli.metrics.features import extract, extract_features
from gan_cli.metrics.figures import Figure
from gan_cli.metrics.inception import Inception, fetch_weights
from gan_cli.metrics.measures import (
    FeatureMeasures,
    Measured,
    beware,
    measure_classes,
    measure_modes,
    measure_score,
)
from gan_cli.networks.roles import Generator
from gan_cli.viz.images import are_points, to_bytes

log = logging.getLogger(__name__)

CHUNK = 1000
"""Fakes made before they are put away as bytes."""

Measure = Callable[[Tensor, Tensor | None], Measured]
"""Pictures [N, C, H, W] and the classes they should be of -> what is found."""


class Examiner:
    """Measures fakes against one reference; what does not depend on the fakes is done once.

    Constructing it trains or loads the extractors and measures the held-out reals. None of it
    touches torch's global generators.

    Args:
        reference: what to measure against.
        seed: of subsets, and what figures report as theirs.
        inception: `auto`, `none`, or the path of weights.
        device: where extractors run.

    Raises:
        UserError: nothing to measure by.
    """

    def __init__(
        self, reference: Reference, *, seed: int, inception: str, device: torch.device
    ) -> None:
        dataset = reference.dataset
        if isinstance(dataset, Gaussians):
            measure = _by_modes(dataset)
            self._exams = [_Exam("points in the plane", measure, reference, seed)]
            return
        labelled = reference.labels is not None and dataset.n_classes > 1
        rgb = dataset.channels == 3 and dataset.planes == 1
        network = _open_inception(inception, fits=rgb, required=not labelled)
        self._exams = []
        if labelled:
            measure = _by_classifier(reference, seed, device)
            self._exams.append(_Exam("classifier", measure, reference, seed))
        if network is not None:
            measure = _by_inception(network.to(device).eval(), reference, seed, device)
            self._exams.append(_Exam("Inception v3 (2015)", measure, reference, seed))

    @property
    def names(self) -> list[str]:
        """Of the figures that `examine` will return."""
        return [name for exam in self._exams for name in exam.names]

    def examine(self, fakes: Tensor, y: Tensor | None) -> list[Figure]:
        """All figures of fakes, one extractor after the other; no name comes twice.

        Args:
            fakes: what `make_fakes` returns, [N, C, H, W], at least ten.
            y: the classes that were ordered, int64 [N], or None.
        """
        return self.inspect(fakes, y)[0]

    def inspect(self, fakes: Tensor, y: Tensor | None) -> tuple[list[Figure], Likeness | None]:
        """The same, and which pictures the fakes are like; None for points.

        Likeness is by Inception's features where they are there, else by the classifier's.
        """
        figures: list[Figure] = []
        likeness = None
        for exam in self._exams:
            found, likeness = exam.examine(fakes, y)
            figures += found
        return figures, likeness


class _Exam:
    """The figures of one extractor."""

    def __init__(self, extractor: str, measure: Measure, reference: Reference, seed: int) -> None:
        self._measure, self._seed = measure, seed
        self._split, self._held_out_split = reference.split, reference.held_out_split
        self._floors = measure(reference.held_out, reference.held_out_labels).readings
        right = self._floors.get("label_accuracy")
        told = "" if right is None else f" ({right.value:.1%} right on held-out reals)"
        self._extractor = extractor + told

    @property
    def names(self) -> list[str]:
        return list(self._floors)

    def examine(self, fakes: Tensor, y: Tensor | None) -> tuple[list[Figure], Likeness | None]:
        figures = []
        readings, likeness = self._measure(fakes, y)
        for name, found in readings.items():
            floor = self._floors[name]
            figures.append(
                Figure(
                    *(name, found.value, floor.value, found.samples, found.reals, floor.samples),
                    split=self._split,
                    held_out_split=self._held_out_split,
                    extractor=self._extractor,
                    seed=self._seed,
                    note=beware(found, floor),
                )
            )
        return figures, likeness


def _by_modes(dataset: Gaussians) -> Measure:
    def measure(points: Tensor, _: Tensor | None) -> Measured:
        return Measured(measure_modes(points.flatten(1), dataset.centres, dataset.std))

    return measure


def _by_classifier(reference: Reference, seed: int, device: torch.device) -> Measure:
    assert reference.labels is not None
    dataset = reference.dataset
    network = open_classifier(
        *(reference.images, reference.labels, dataset.n_classes, cache_folder(), device),
        planes=dataset.planes,
    )
    real = extract_features(network, reference.images, device)
    features = FeatureMeasures(real, seed, inception=False)

    def measure(pictures: Tensor, y: Tensor | None) -> Measured:
        found = extract(network, pictures, device)
        readings, likeness = features.measure(found.features)
        return Measured({**readings, **measure_classes(found, y)}, likeness)

    return measure


def _by_inception(
    network: Inception, reference: Reference, seed: int, device: torch.device
) -> Measure:
    real = extract_features(network, reference.images, device)
    features = FeatureMeasures(real, seed, inception=True)

    def measure(pictures: Tensor, _: Tensor | None) -> Measured:
        found = extract(network, pictures, device)
        readings, likeness = features.measure(found.features)
        return Measured({**readings, **measure_score(found)}, likeness)

    return measure


def _open_inception(choice: str, *, fits: bool, required: bool) -> Inception | None:
    """Inception, or None where it does not fit or is not there and other measures are.

    Raises:
        UserError: there is nothing else to measure by, or the weights asked for cannot be used.
    """
    if choice not in ("auto", "none"):
        if not fits:
            raise UserError("inception: it sees RGB and these are not; leave inception out")
        return Inception(Path(choice))
    try:
        if not fits:
            raise UserError("nothing to measure by: pictures that are not RGB need labels")
        if choice == "none":
            raise UserError("inception=none: nothing else to measure by, as there are no labels")
        return Inception(fetch_weights())
    except UserError as error:
        if required:
            raise
        if fits and choice == "auto":
            log.warning("without FID, KID and IS: %s", error)
        return None


def make_fakes(generator: Generator, count: int, seed: int, y: Tensor | None) -> Tensor:
    """`count` samples, always the same for a seed, on the CPU: uint8, or float32 for points.

    The generator is left in the mode it was found in, and torch's global generators as they were.

    Args:
        generator: on any device.
        count: N.
        seed: of the latents.
        y: which classes to order, int64 [N]; None for a generator that takes no labels.

    Raises:
        UserError: the generator's numbers are not finite.
    """
    z = sampling.draw_latents(count, generator.latent_dim, seed)
    parts = []
    bar = tqdm(total=count, desc="fakes", unit="img", leave=False, disable=None, delay=2)
    with bar:
        for start in range(0, count, CHUNK):
            rows = slice(start, start + CHUNK)
            part = sampling.generate(generator, z[rows], None if y is None else y[rows])
            if not part.isfinite().all():
                raise UserError("the generator makes NaN or Inf; take an earlier checkpoint")
            parts.append(part if are_points(part) else to_bytes(part))
            bar.update(len(part))
    return torch.cat(parts)
