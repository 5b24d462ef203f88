"""Many samples of a game, drawn part by part and kept as bytes."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gan_cli.errors import UserError
from gan_cli.games.base import Game
from gan_cli.games.requests import Drawing, Request, Trial
from gan_cli.metrics.progress import track
from gan_cli.viz.images import to_bytes

CHUNK = 1000
"""Samples drawn before they are put away as bytes."""

Draw = Callable[[Request], Drawing]
"""`Trainer.draw` of a run that goes on, `Game.draw` of a game out of a checkpoint."""


DrawParts = Callable[[Iterable[Request], Trial], Iterator["Drawn"]]
"""Draws one part of a request after the other, or several at once."""


class Drawn(NamedTuple):
    """N samples, on the CPU.

    Attributes:
        made: what the game is judged by: uint8 images, float32 points or waves, [N, *shape].
        label: classes that were asked for, int64 [N].
        code: number of the categorical code each was drawn from, int64 [N].
        back: the panel that should equal the input, as `made` is; None where there is none.
        baseline: the panel of what needs no learning, likewise.
        entries: of a codebook, int64 [N, ...].
    """

    made: Tensor
    label: Tensor | None
    code: Tensor | None
    back: Tensor | None
    baseline: Tensor | None = None
    entries: Tensor | None = None


def take_inputs(trial: Trial, held_out: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """What a trial feeds to the game: at most `count` held-out samples of each of its fields.

    A game says the same of the same input, so none is taken twice, even where there are fewer
    than were asked for.
    """
    given = {name: held_out[name] for name in trial.inputs}
    count = min(count, *(len(x) for x in given.values())) if given else count
    return {name: x[:count] for name, x in given.items()}


def draw_samples(
    game: Game,
    draw: Draw,
    trial: Trial,
    inputs: Mapping[str, Tensor],
    count: int,
    seed: int,
    draw_parts: DrawParts | None = None,
) -> Drawn:
    """Samples for a trial, always the same for a seed; torch's global generators stay as they were.

    Args:
        game: says what a request lacks.
        draw: draws what it is asked for.
        trial: how the game is measured.
        inputs: see `take_inputs`.
        count: N; less where there are fewer inputs.
        seed: of whatever is random.
        draw_parts: how; None: one part after the other, by `draw`.

    Raises:
        UserError: the game's numbers are not finite.
    """
    count = min(count, *(len(x) for x in inputs.values())) if inputs else count
    # inputs are scaled part by part: all of them as float32 would take four times the room
    request = game.complete(Request(count, seed, inputs=inputs, direction=trial.direction))
    asked = request.split(CHUNK)
    found = draw_parts(asked, trial) if draw_parts else (draw_part(draw, p, trial) for p in asked)
    parts: list[Drawn] = []
    with track(count, "fakes", "img") as advance:
        for part in found:
            parts.append(part)
            advance(len(part.made))
    return Drawn(
        torch.cat([part.made for part in parts]),
        _joined([part.label for part in parts]),
        _joined([part.code for part in parts]),
        _joined([part.back for part in parts]),
        _joined([part.baseline for part in parts]),
        _joined([part.entries for part in parts]),
    )


def encode(draw: Draw, inputs: Mapping[str, Tensor], direction: str | None) -> Tensor:
    """What the game's encoder sees in samples [N, ...] of each field, float32 [N, F]."""
    parts = []
    whole = Request(len(next(iter(inputs.values()))), inputs=inputs, direction=direction)
    for part in whole.split(CHUNK):
        scaled = {name: to_unit_range(x) for name, x in part.inputs.items()}
        features = draw(dataclasses.replace(part, inputs=scaled)).features
        assert features is not None
        parts.append(features)
    return torch.cat(parts)


def draw_part(draw: Draw, part: Request, trial: Trial) -> Drawn:
    """Samples of one part of a request.

    Raises:
        UserError: the game's numbers are not finite.
    """
    scaled = {name: to_unit_range(x) for name, x in part.inputs.items()}
    drawing = draw(dataclasses.replace(part, inputs=scaled))
    if not drawing.made.isfinite().all():
        raise UserError("the game draws NaN or Inf; take an earlier checkpoint")
    return _put_away(drawing, trial)


def to_unit_range(x: Tensor) -> Tensor:
    """0..255 to float32 in [-1, 1]; what is not 8-bit stays."""
    return x.float() / 127.5 - 1 if x.dtype == torch.uint8 else x


def _put_away(drawing: Drawing, trial: Trial) -> Drawn:
    pack = to_bytes if drawing.kind == "image" else torch.Tensor.clone
    back, baseline = (
        None if name is None else pack(drawing.panels[name])
        for name in (trial.cycle, trial.baseline)
    )
    return Drawn(pack(drawing.made), drawing.label, drawing.code, back, baseline, drawing.entries)


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return torch.cat(given) if given else None
