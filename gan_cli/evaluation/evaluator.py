"""A game measured by its trials, as often as one likes."""

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from gan_cli.errors import UserError
from gan_cli.evaluation.drawing import (
    CHUNK,
    Draw,
    Drawn,
    DrawParts,
    draw_samples,
    encode,
    take_inputs,
    to_unit_range,
)
from gan_cli.evaluation.extractors import Extractor, Extractors
from gan_cli.evaluation.reference import FEWEST, Reference
from gan_cli.games.base import Game
from gan_cli.games.requests import Trial
from gan_cli.metrics.codes import codebook_use
from gan_cli.metrics.diversity import NearestNeighbours
from gan_cli.metrics.mel import mel_l1
from gan_cli.metrics.neighbours import neighbour_accuracy
from gan_cli.metrics.pairs import compare_pairs, l1, l2
from gan_cli.metrics.values import MetricValue

log = logging.getLogger(__name__)

PIXELS, ENCODER = "pixels", "the game's encoder"
"""What values are computed by that no extractor's features enter."""
PairMeasure = Callable[[Tensor, Tensor], Tensor]
"""Images [N, C, H, W] and their targets to a number for each pair, [N]."""
KNOWN = 100
"""Real samples that an encoder is asked about for each that is to be recognised, at most."""
BANDS = "mel bands"
"""The same of sound."""


class TrialResult(NamedTuple):
    """What a trial has shown.

    Attributes:
        trial: its name.
        values: its metrics, one extractor's after the other's.
        nearest: what some samples lie next to, by Inception's features where they are there, else
            by the classifier's; None where neither measures.
        made: the samples, uint8 images [N, C, H, W] or float32 points.
        field: whose reals they were compared with.
    """

    trial: str
    values: list[MetricValue]
    nearest: NearestNeighbours | None
    made: Tensor
    field: str


class Evaluator:
    """Measures what a game draws; what does not depend on its weights is done once.

    Samples are compared with real ones of the field that they should be like. Where each has a
    right answer, they are compared with that. Constructing it trains or loads the extractors and
    measures the held-out reals. Nothing it does touches torch's global generators.

    Args:
        game: says what it is measured by and what its requests lack.
        draw: draws: `Trainer.draw` of a run, `Game.draw` of a game out of a checkpoint.
        reference: what to measure against.
        count: samples of each trial, fewer where they need more inputs than are held out.
        seed: of samples and of subsets, and what values report as theirs.
        inception: `auto`, `none`, or the path of weights.
        device: where extractors run.
        draw_parts: see `draw_samples`.

    Raises:
        UserError: nothing to measure by, or Inception's weights cannot be used.
    """

    def __init__(
        self,
        game: Game,
        draw: Draw,
        reference: Reference,
        *,
        count: int,
        seed: int,
        inception: str,
        device: torch.device,
        draw_parts: DrawParts | None = None,
    ) -> None:
        self._draw_parts = draw_parts
        self._game, self._draw, self._count, self._seed = game, draw, count, seed
        self._held_out, self._trained_on = reference.held_out, reference.trained_on_held_out
        self._real = reference.real
        extractors = Extractors(reference, seed=seed, inception=inception, device=device)
        self._trials: dict[str, tuple[Trial, list[Extractor]]] = {}
        self._label_of = {name: reference.label_of(name) for name in reference.dataset.fields}
        for name, trial in game.trials().items():
            # of what has a right answer, the distance to it says more than that of distributions
            fitting = [] if trial.paired else self._open(extractors, trial)
            self._trials[name] = trial, fitting

    @staticmethod
    def _open(extractors: Extractors, trial: Trial) -> list[Extractor]:
        return extractors.of(trial.real, required=trial.cycle is None)

    def names(self) -> list[str]:
        """Of all metrics that `evaluate` will find: those of the fewest samples it can measure."""
        return [v.name for result in self._evaluate(FEWEST) for v in result.values]

    def evaluate(self) -> Iterator[TrialResult]:
        """Measure, a trial after the other; no name of a metric comes twice.

        Raises:
            UserError: the game's numbers are not finite.
        """
        return self._evaluate(self._count)

    def _evaluate(self, count: int) -> Iterator[TrialResult]:
        for name, (trial, extractors) in self._trials.items():
            inputs = take_inputs(trial, self._held_out.fields, count)
            drawn = draw_samples(
                *(self._game, self._draw, trial, inputs, count, self._seed, self._draw_parts)
            )
            if drawn.label is None and trial.inputs:
                drawn = drawn._replace(label=self._label_of_inputs(trial, len(drawn.made)))
            values, nearest = [], None
            for extractor in extractors:
                found, nearest = extractor.measure(drawn)
                values += found
            values += self._compare(trial, drawn, inputs)
            if trial.encodes:
                values += self._recognise(trial, drawn, inputs, count)
            named = [_of_trial(value, name) for value in values]
            yield TrialResult(name, named, nearest, drawn.made, trial.real)

    def _label_of_inputs(self, trial: Trial, count: int) -> Tensor | None:
        """Classes [N] that a translation should leave as they are."""
        field = self._label_of[trial.inputs[0]]
        return None if field is None else self._held_out.fields[field][:count]

    def _compare(
        self, trial: Trial, drawn: Drawn, inputs: dict[str, Tensor]
    ) -> Iterator[MetricValue]:
        """Metrics of samples beside what each of them should be."""
        if trial.paired:
            target = self._held_out.fields[trial.real][: len(drawn.made)]
            field = self._game.fields[trial.real]
            if field.kind == "wave":
                value = mel_l1(drawn.made, target, field.rate)
                yield self._of_pairs("mel_l1", value, len(drawn.made), BANDS)
                return
            for name, value in mean_over_pairs(drawn.made, target).items():
                yield self._of_pairs(name, value, len(drawn.made))
            if trial.baseline is not None:
                assert drawn.baseline is not None
                for name, value in mean_over_pairs(drawn.baseline, target).items():
                    yield self._of_pairs(f"{name}_{trial.baseline}", value, len(drawn.made))
        if trial.codebook:
            assert drawn.entries is not None
            for name, value in codebook_use(drawn.entries, trial.codebook).items():
                yield self._of_pairs(name, value, len(drawn.made))
        if trial.cycle is not None:
            assert drawn.back is not None
            error = mean_over(l1, drawn.back, inputs[trial.inputs[0]])
            yield self._of_pairs("cycle_l1", error, len(drawn.made))

    def _recognise(
        self, trial: Trial, drawn: Drawn, inputs: dict[str, Tensor], count: int
    ) -> Iterator[MetricValue]:
        """How far reconstructions are off, and whether an encoder's features tell classes."""
        error = mean_over(l2, drawn.made, inputs[trial.inputs[0]])
        yield self._of_pairs("l2", error, len(drawn.made))
        label_field = self._label_of[trial.inputs[0]]
        if label_field is None:
            return
        real = self._real.fields
        known = {name: real[name][: KNOWN * count] for name in trial.inputs}
        features, known_features = (encode(self._draw, x, trial.direction) for x in (inputs, known))
        labels, known_labels = self._held_out.fields[label_field], real[label_field]
        accuracy = neighbour_accuracy(
            *(features, labels[: len(features)]),
            *(known_features, known_labels[: len(known_features)]),
        )
        value = self._of_pairs("neighbour_accuracy", accuracy, len(features))
        yield dataclasses.replace(value, extractor=ENCODER, reals=len(known_features))

    def _of_pairs(self, name: str, value: float, n: int, extractor: str = PIXELS) -> MetricValue:
        return MetricValue(
            name=name,
            value=value,
            held_out=None,
            n=n,
            reals=n,
            held_out_n=0,
            split=self._held_out.part,
            held_out_split="",
            extractor=extractor,
            seed=self._seed,
            note="too good: these inputs were trained on" if self._trained_on else "",
        )


def _of_trial(value: MetricValue, trial: str) -> MetricValue:
    name = f"{value.name}_{trial}" if trial else value.name
    return dataclasses.replace(value, name=name, trial=trial)


def mean_over_pairs(made: Tensor, target: Tensor) -> dict[str, float]:
    """`compare_pairs` of samples kept as bytes, [N, C, H, W] each, without all of them as floats.

    Raises:
        UserError: the shapes differ.
    """
    if made.shape != target.shape:
        raise UserError(
            f"the game draws {list(made.shape[1:])} and should draw {list(target.shape[1:])}"
        )
    parts = list(zip(made.split(CHUNK), target.split(CHUNK), strict=True))
    found = [(len(x), compare_pairs(to_unit_range(x), to_unit_range(y))) for x, y in parts]
    return {name: sum(n * part[name] for n, part in found) / len(made) for name in found[0][1]}


def mean_over(measure: PairMeasure, made: Tensor, target: Tensor) -> float:
    """A measure of pairs kept as bytes, the mean over all of them."""
    parts = zip(made.split(CHUNK), target.split(CHUNK), strict=True)
    return float(torch.cat([measure(to_unit_range(x), to_unit_range(y)) for x, y in parts]).mean())
