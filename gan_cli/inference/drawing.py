"""What can be asked of any game, and what it draws then."""

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from gan_cli.assembly.memory import refuse_too_many
from gan_cli.errors import UserError, short_of_memory
from gan_cli.games import latents
from gan_cli.games.base import Game
from gan_cli.games.requests import Request
from gan_cli.inference.formats import Shown
from gan_cli.inference.given import input_field
from gan_cli.inference.load import Loaded
from gan_cli.inference.standing import take_statistics
from gan_cli.ranges import Count, Natural, Positive, Probability
from gan_cli.spelling import nearest

AT_A_TIME = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class DrawSettings:
    """What is wanted; keys of conf/sample.yaml."""

    count: Count
    seed: Natural
    label: Natural | str | list[Natural | str] | None = None
    code: Natural | list[Natural] | None = None
    continuous: list[float] | None = None
    direction: str | None = None
    interpolate: Count | None = None
    truncation: Positive | None = None
    standing: Count | None = None
    psi: Probability | None = None
    crossover: Count | None = None


def refuse_unfit(settings: DrawSettings, game: Game, translates: bool) -> None:
    """See whether a game can do what is wanted; `translates` says whether it is given an input.

    Raises:
        UserError: it has no use for an option, lacks one, or the samples do not fit into memory.
    """
    _refuse_unknown(settings, game, translates)
    way = f" with interpolate={settings.interpolate}" if settings.interpolate else ""
    samples = settings.count * (settings.interpolate or 1)
    refuse_too_many(game.fields, samples, f"count={settings.count}{way}")


def draw_wanted(
    loaded: Loaded, settings: DrawSettings, given: Tensor | None = None, names: Sequence[str] = ()
) -> Shown:
    """Draw.

    Args:
        loaded: the game.
        settings: see `refuse_unfit`.
        given: what is to be translated, float32 in [-1, 1], [N, C, H, W]; the count is N then.
        names: of the files that it comes from.

    Raises:
        UserError: a label or a code that the game does not know, or statistics that it has not.
    """
    # the request, with everything that the game leaves open filled in
    game = loaded.game
    if settings.standing:
        take_statistics(game, settings.standing, settings.truncation)
    count = settings.count if given is None else len(given)
    inputs = {} if given is None else {input_field(game, settings.direction): given}
    request = game.complete(
        Request(
            count,
            settings.seed,
            label=_labels(settings.label, count, loaded),
            code=_turns(settings.code, count),
            continuous=_repeated(settings.continuous, count),
            inputs=inputs,
            direction=settings.direction,
            truncation=settings.truncation,
            psi=settings.psi,
            crossover=settings.crossover,
        )
    )
    if settings.interpolate:
        request = latents.interpolated(request, settings.interpolate)

    # drawn in parts
    with short_of_memory(f"count={count} is too many at a time; draw fewer"):
        drawings = [game.draw(part) for part in request.split(AT_A_TIME)]
        first = drawings[0]
        panels = {name: torch.cat([d.panels[name] for d in drawings]) for name in first.panels}
    if not panels[first.output].isfinite().all():
        raise UserError(
            f"{loaded.path}: it draws numbers that are not finite, for its run has diverged; take "
            "an earlier checkpoint"
        )
    return Shown(
        panels,
        first.output,
        first.kind,
        request.label,
        request.code,
        loaded.class_names,
        names,
        latents.square_columns(count) if settings.crossover else settings.interpolate,
        rate=first.rate,
    )


def _refuse_unknown(settings: DrawSettings, game: Game, translates: bool) -> None:
    """Say which options this game has no use for, and which it cannot do without."""
    options = (
        *("label", "code", "continuous", "direction", "interpolate", "truncation"),
        "standing",
        *("psi", "crossover"),
    )
    asked = [option for option in options if getattr(settings, option) is not None]
    kind = type(game).__name__
    problems = [
        f"{option}: this model ({kind}) takes none; leave {option} out"
        for option in (*asked, *(["input"] if translates else []))
        if option not in game.takes
    ]
    if settings.label is not None and "label" in game.takes and not game.n_classes:
        problems.append("label: this model was trained without labels; leave label out")
    ways = [trial.direction for trial in game.trials().values() if trial.direction]
    if settings.crossover is not None and settings.interpolate is not None:
        problems.append("crossover and interpolate: take one of them")
    if settings.direction is not None and ways and settings.direction not in ways:
        problems.append(f"direction={settings.direction}: should be {' or '.join(ways)}")
    if translates and "input" in game.takes:
        problems += [
            f"{option}: nothing is drawn at random with an input; leave one of them out"
            for option in ("interpolate", "truncation")
            if option in asked and option in game.takes
        ]
    if not translates and game.translates:
        problems.append(
            f"input: this model ({kind}) translates; name {_what(game)}, a folder or a .zip of them"
        )
    if problems:
        raise UserError(*problems)


def _what(game: Game) -> str:
    kind = game.fields[input_field(game, None)].kind
    return {"image": "an image", "wave": "a .wav"}.get(kind, f"a {kind}")


def _labels(
    wanted: int | str | list[int | str] | None, count: int, loaded: Loaded
) -> Tensor | None:
    """Classes by number or name, taking turns, int64 [count]; None for all of them."""
    if wanted is None:
        return None
    listed = wanted if isinstance(wanted, list) else [wanted]
    if not listed:
        raise UserError("label=[]: name at least one class, or leave label out")
    names = list(loaded.class_names)
    numbers: list[int] = []
    for label in listed:
        if str(label) in names:  # a class may be called by a number that is not its own
            numbers.append(names.index(str(label)))
        elif isinstance(label, int):
            numbers.append(label)
        else:
            raise UserError(f"label={label}: no such class{nearest(label, names)}")
    if outside := [n for n in numbers if n >= loaded.game.n_classes]:
        last = loaded.game.n_classes - 1
        raise UserError(*(f"label={n}: the model knows the classes 0 to {last}" for n in outside))
    return latents.spread_labels(count, loaded.game.n_classes, numbers)


def _turns(wanted: int | list[int] | None, count: int) -> Tensor | None:
    if wanted is None:
        return None
    listed = wanted if isinstance(wanted, list) else [wanted]
    if not listed:
        raise UserError("code=[]: name at least one, or leave code out")
    return latents.spread_labels(count, len(listed), listed)


def _repeated(values: Sequence[float] | None, count: int) -> Tensor | None:
    return None if values is None else torch.tensor(values).float().expand(count, -1)
