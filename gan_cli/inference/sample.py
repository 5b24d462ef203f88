"""What gan-sample does: a request in, what a game draws out, in the form that was asked for."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from gan_cli.assembly.devices import open_device
from gan_cli.assembly.memory import refuse_too_many
from gan_cli.config.reader import check
from gan_cli.data.image_files import read_images
from gan_cli.errors import UserError, short_of_memory
from gan_cli.games import latents
from gan_cli.games.base import Game
from gan_cli.games.requests import Request
from gan_cli.inference.formats import Shown, writer_of
from gan_cli.inference.load import Loaded, load_game
from gan_cli.ranges import Count, Natural, Positive
from gan_cli.sinks.checkpoint import load_newest
from gan_cli.spelling import nearest

log = logging.getLogger(__name__)

AT_A_TIME = 1000


@dataclasses.dataclass(frozen=True)
class SampleSettings:
    """The keys of conf/sample.yaml."""

    checkpoint: str
    count: Count
    out: str
    seed: Natural
    label: Natural | str | list[Natural | str] | None
    code: Natural | list[Natural] | None
    continuous: list[float] | None
    input: str | None
    direction: str | None
    interpolate: Count | None
    truncation: Positive | None
    ema: bool
    device: str
    trust: list[str]


def write_samples(config: DictConfig) -> Path:
    """Draw as `config` says and write it; returns where.

    Raises:
        UserError: a bad key, a checkpoint that cannot be used, something the model does not do.
    """
    settings: SampleSettings = check(config, SampleSettings)[0]
    write = writer_of(settings.out)
    device = open_device(settings.device, "device")
    found, content = load_newest(Path(settings.checkpoint).expanduser())
    loaded = load_game(found, content, average=settings.ema, trust=settings.trust, device=device)
    game = loaded.game
    _refuse_unknown(settings, game)
    way = f" with interpolate={settings.interpolate}" if settings.interpolate else ""
    samples = settings.count * (settings.interpolate or 1)
    refuse_too_many(game.fields, samples, f"count={settings.count}{way}")

    _refuse_overwriting(settings)

    # the request, with everything that the game leaves open filled in
    inputs, names = _inputs(settings, game)
    count = len(names) or settings.count
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
        )
    )
    if settings.interpolate:
        request = latents.interpolated(request, settings.interpolate)

    # drawn in parts, and written
    with short_of_memory(f"count={settings.count} is too many at a time; draw fewer"):
        drawings = [game.draw(part) for part in request.split(AT_A_TIME)]
        first = drawings[0]
        panels = {name: torch.cat([d.panels[name] for d in drawings]) for name in first.panels}
    if not panels[first.output].isfinite().all():
        raise UserError(
            f"{found}: it draws numbers that are not finite, for its run has diverged; take an "
            "earlier checkpoint"
        )
    shown = Shown(
        panels,
        first.output,
        first.kind,
        request.label,
        request.code,
        loaded.class_names,
        names,
        settings.interpolate,
    )
    out = Path(settings.out).expanduser()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(shown, out)
    except OSError as error:
        raise UserError(f"out={settings.out}: cannot be written ({error.strerror})") from error
    log.info("%d samples from %s in %s", len(panels[first.output]), found, out)
    return out


def _refuse_unknown(settings: SampleSettings, game: Game) -> None:
    """Say which options this game has no use for, and which it cannot do without."""
    options = ("label", "code", "continuous", "input", "direction", "interpolate", "truncation")
    kind = type(game).__name__
    problems = [
        f"{option}: this model ({kind}) takes none; leave {option} out"
        for option in options
        if getattr(settings, option) is not None and option not in game.takes
    ]
    if settings.label is not None and "label" in game.takes and not game.n_classes:
        problems.append("label: this model was trained without labels; leave label out")
    ways = [trial.direction for trial in game.trials().values() if trial.direction]
    if settings.direction is not None and ways and settings.direction not in ways:
        problems.append(f"direction={settings.direction}: should be {' or '.join(ways)}")
    if settings.input is None and any(trial.inputs for trial in game.trials().values()):
        problems.append(
            f"input: this model ({kind}) translates; name an image, a folder or a .zip of them"
        )
    if problems:
        raise UserError(*problems)


def _refuse_overwriting(settings: SampleSettings) -> None:
    """Keep what is translated: the output has the same names."""
    if settings.input is None:
        return
    given, out = (Path(p).expanduser().resolve() for p in (settings.input, settings.out))
    if out == given or (given.is_file() and out == given.parent):
        raise UserError(f"out={settings.out}: would overwrite the input; name another place")


def _inputs(settings: SampleSettings, game: Game) -> tuple[dict[str, Tensor], list[str]]:
    """What is to be translated, float32 in [-1, 1] by field, and the names of the files."""
    if settings.input is None:
        return {}, []
    trials = game.trials().values()
    trial = next(t for t in trials if settings.direction in (None, t.direction))
    field = game.fields[trial.inputs[0]]
    channels, size, _ = field.shape
    images, names = read_images(Path(settings.input).expanduser(), size, channels)
    return {trial.inputs[0]: images.float() / 127.5 - 1.0}, names


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
