"""What samples of one field are compared with real ones by: modes, a classifier, Inception."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from gan_cli.data.gaussians import Gaussians
from gan_cli.errors import UserError
from gan_cli.evaluation.drawing import Drawn
from gan_cli.evaluation.reference import Reference
from gan_cli.metrics.classifier import open_classifier
from gan_cli.metrics.codes import code_accuracy
from gan_cli.metrics.diversity import NearestNeighbours
from gan_cli.metrics.features import extract, extract_features
from gan_cli.metrics.inception import Inception, fetch_weights
from gan_cli.metrics.measures import (
    FeatureMeasures,
    Measurement,
    Measurements,
    beware,
    measure_classes,
    measure_modes,
    measure_score,
)
from gan_cli.metrics.values import MetricValue
from gan_cli.paths import cache_folder

log = logging.getLogger(__name__)

Measure = Callable[[Drawn], Measurements]

RELIABLE = 0.9
"""Share of held-out reals that a classifier should get right. Of one that errs more often, a tenth
of `label_accuracy` is its own mistakes, a lost class can seem reached, and features that cannot
tell the reals' classes apart do not tell fakes from reals by them."""


class Extractor:
    """One way to compare samples with the reals of a field; the held-out reals are measured once.

    Args:
        name: how metric values say what they were computed by.
        measure: how.
        reference: what to measure against.
        field: whose reals.
        seed: of subsets, and what values report as theirs.
    """

    def __init__(
        self, name: str, measure: Measure, reference: Reference, field: str, seed: int
    ) -> None:
        self._measure, self._seed = measure, seed
        self._part, self._held_out_part = reference.real.part, reference.held_out.part
        label_field = reference.label_of(field)
        held_out = reference.held_out.fields
        label = None if label_field is None else held_out[label_field]
        # a real sample's own class stands in for the code it would have been drawn from
        self._baseline = measure(Drawn(held_out[field], label, label, None)).by_name
        self._name = name
        right = self._baseline.get("label_accuracy")
        if right is not None:
            self._name += f" ({right.value:.1%} right on held-out reals)"
            if right.value < RELIABLE:
                log.warning(
                    "the classifier is right on only %.1f%% of held-out real images: what it says "
                    "of fakes is a rough guide; more real images make a better one",
                    100 * right.value,
                )

    def measure(self, drawn: Drawn) -> tuple[list[MetricValue], NearestNeighbours | None]:
        """All its metrics of at least ten samples, and what some of them lie next to."""
        found, nearest = self._measure(drawn)
        return [self._value(name, found[name]) for name in found], nearest

    def _value(self, name: str, found: Measurement) -> MetricValue:
        baseline = self._baseline[name]
        return MetricValue(
            name=name,
            value=found.value,
            held_out=baseline.value,
            n=found.n,
            reals=found.reals,
            held_out_n=baseline.n,
            split=self._part,
            held_out_split=self._held_out_part,
            extractor=self._name,
            seed=self._seed,
            k=found.k,
            note=beware(found, baseline),
        )


class Extractors:
    """Opens the extractors that fit a field, each once.

    Args:
        reference: what to measure against.
        seed: of subsets.
        inception: `auto`, `none`, or the path of weights.
        device: where they run.
    """

    def __init__(
        self, reference: Reference, *, seed: int, inception: str, device: torch.device
    ) -> None:
        self._reference, self._seed, self._device = reference, seed, device
        self._inception = inception
        self._network: Inception | None = None
        self._opened: dict[str, list[Extractor]] = {}

    def of(self, field: str, *, required: bool) -> list[Extractor]:
        """Those of a field; none where nothing fits it.

        Args:
            field: whose reals to compare with.
            required: whether there is no other measure.

        Raises:
            UserError: nothing fits although it is required, or the weights asked for cannot be
                used.
        """
        if field not in self._opened:
            found = list(self._open(field, required))
            self._opened[field] = found
        return self._opened[field]

    def _open(self, field: str, required: bool) -> Iterator[Extractor]:
        reference, seed = self._reference, self._seed
        dataset, kind = reference.dataset, reference.dataset.fields[field].kind
        if kind == "image":
            labelled = reference.label_of(field) is not None
            if labelled:
                measure = _by_classifier(reference, field, seed, self._device)
                yield Extractor("classifier", measure, reference, field, seed)
            network = self._open_inception(field, required and not labelled)
            if network is not None:
                measure = _by_inception(network, reference, field, seed, self._device)
                yield Extractor("Inception v3 (2015)", measure, reference, field, seed)
        elif isinstance(dataset, Gaussians):
            yield Extractor("points in the plane", _by_modes(dataset), reference, field, seed)
        elif required:
            raise UserError(f"nothing to measure by: there is no measure for a {kind} (`{field}`)")

    def _open_inception(self, field: str, required: bool) -> Inception | None:
        """Inception, or None where it does not fit or is not there and other measures are.

        Raises:
            UserError: there is nothing else to measure by, or the weights asked for cannot be used.
        """
        dataset, choice = self._reference.dataset, self._inception
        fits = dataset.fields[field].shape[0] == 3 and dataset.planes == 1
        if choice not in ("auto", "none") and not fits:
            raise UserError("inception: it sees RGB and these are not; leave inception out")
        try:
            if not fits:
                raise UserError("nothing to measure by: images that are not RGB need labels")
            if choice == "none":
                raise UserError("inception=none: nothing else to measure by without labels")
            return self._load_inception()
        except UserError as error:
            if required or choice not in ("auto", "none"):
                raise
            if fits and choice == "auto":
                log.warning("without FID, KID and IS: %s", error)
            return None

    def _load_inception(self) -> Inception:
        if self._network is None:
            weights = fetch_weights() if self._inception == "auto" else Path(self._inception)
            self._network = Inception(weights).to(self._device).eval()
        return self._network


def _by_modes(dataset: Gaussians) -> Measure:
    def measure(drawn: Drawn) -> Measurements:
        return Measurements(measure_modes(drawn.made.flatten(1), dataset.centres, dataset.std))

    return measure


def _by_classifier(reference: Reference, field: str, seed: int, device: torch.device) -> Measure:
    dataset, real = reference.dataset, reference.real.fields
    label_field = reference.label_of(field)
    assert label_field is not None
    network = open_classifier(
        *(real[field], real[label_field], dataset.n_classes, cache_folder(), device),
        planes=dataset.planes,
    )
    features = FeatureMeasures(
        extract_features(network, real[field], device), seed, inception=False
    )

    def measure(drawn: Drawn) -> Measurements:
        found = extract(network, drawn.made, device)
        by_name, nearest = features.measure(found.features)
        by_name = {**by_name, **measure_classes(found, drawn.label)}
        if drawn.code is not None:
            accuracy = code_accuracy(drawn.code, found.classes)
            by_name["code_accuracy"] = Measurement(accuracy, len(drawn.made))
        return Measurements(by_name, nearest)

    return measure


def _by_inception(
    network: Inception, reference: Reference, field: str, seed: int, device: torch.device
) -> Measure:
    real = extract_features(network, reference.real.fields[field], device)
    features = FeatureMeasures(real, seed, inception=True)

    def measure(drawn: Drawn) -> Measurements:
        found = extract(network, drawn.made, device)
        by_name, nearest = features.measure(found.features)
        return Measurements({**by_name, **measure_score(found)}, nearest)

    return measure
