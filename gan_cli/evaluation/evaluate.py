"""What gan-evaluate does: a checkpoint and real samples in, metrics on the screen and in a file."""

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge

from gan_cli.assembly.devices import open_device
from gan_cli.assembly.memory import refuse_too_many
from gan_cli.data.dataset import Dataset
from gan_cli.errors import UserError, short_of_memory
from gan_cli.evaluation.choice import DataChoice, open_data
from gan_cli.evaluation.evaluator import Evaluator, TrialResult
from gan_cli.evaluation.neighbours import save_neighbours
from gan_cli.evaluation.reference import Reference, take_reference
from gan_cli.evaluation.report import tables
from gan_cli.files import write_whole
from gan_cli.games.base import Game
from gan_cli.inference.load import open_game, run_of
from gan_cli.metrics.values import MetricValue
from gan_cli.ranges import Natural

log = logging.getLogger(__name__)

RESULT = "evaluation.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """The keys of conf/evaluate.yaml."""

    checkpoint: str
    count: Annotated[int, Ge(10)]  # neighbourhoods take 5 others
    seed: Natural
    ema: bool
    out: str | None
    inception: str
    device: str
    trust: list[str]
    data: DataChoice


def evaluate_checkpoint(settings: EvaluateSettings) -> list[MetricValue]:
    """Measure as `settings` say, log it and write it.

    Raises:
        UserError: a checkpoint or data that cannot be used, nothing to measure by.
    """
    device = open_device(settings.device, "device")
    loaded = open_game(
        Path(settings.checkpoint).expanduser(),
        average=settings.ema,
        trust=settings.trust,
        device=device,
        unused=("optimizer",),
    )
    found = loaded.path
    out = Path(settings.out).expanduser() if settings.out else run_of(found) / RESULT
    _require_writable(out)
    refuse_too_many(loaded.game.fields, settings.count, f"count={settings.count}")
    data = open_data(loaded.settings.data, settings.data)
    require_fitting(loaded.game, data.dataset)
    reference = take_reference(data, settings.count)
    about = {
        "checkpoint": str(found),
        "step": loaded.step,
        "ema": loaded.averaged,
        "seed": settings.seed,
        "count": settings.count,
    }
    _announce(about, reference)
    del data  # what was read stays in the reference alone
    evaluator = Evaluator(
        loaded.game,
        loaded.game.draw,
        reference,
        count=settings.count,
        seed=settings.seed,
        inception=settings.inception,
        device=device,
    )
    values: list[MetricValue] = []
    with short_of_memory(f"count={settings.count} is too many at a time; measure fewer"):
        for result in evaluator.evaluate():
            for text in tables(result.values):
                log.info("%s", text)
            values += result.values
            _save_sheets(result, reference, out, prefixed=settings.out is not None)
    _write(out, {**about, "metrics": [dataclasses.asdict(value) for value in values]})
    log.info("written to %s", out)
    return values


def require_fitting(game: Game, dataset: Dataset) -> None:
    """Raise UserError where data is not like what a game was trained on."""
    for name, wanted in game.fields.items():
        found = dataset.fields.get(name)
        needed = wanted.kind != "label" or game.n_classes
        if needed and found != wanted:
            has = "no such field" if found is None else str(found)
            raise UserError(
                f"data: `{name}` was a {wanted} in training and there is {has} here; give "
                "data.root of the same kind of data"
            )
    if game.n_classes and game.n_classes != dataset.n_classes:
        raise UserError(
            f"data: {dataset.n_classes} classes here and {game.n_classes} in training; give "
            "data.root of the same classes"
        )


def _announce(about: Mapping[str, Any], reference: Reference) -> None:
    real, held_out = reference.real, reference.held_out
    sizes = {name: (len(x), len(held_out.fields[name])) for name, x in real.fields.items()}
    reals, others = max(sizes.values())
    log.info(
        "%s, step %s%s, against %d real samples (%s); held out: %d (%s)",
        *(about["checkpoint"], about["step"]),
        *(", by the mean of weights" if about["ema"] else "", reals, real.part or "all"),
        *(others, held_out.part),
    )


def _save_sheets(result: TrialResult, reference: Reference, out: Path, prefixed: bool) -> None:
    """The sheets of nearest neighbours beside `out`; none where there are no images."""
    if result.nearest is None:
        return
    prefix = f"{out.stem}-" if prefixed else ""
    suffix = f"_{result.trial}" if result.trial else ""
    real = reference.real.fields[result.field]
    _make_folder(out)
    for path in save_neighbours(result.nearest, result.made, real, out.parent, prefix, suffix):
        log.info("look at %s", path)


def _make_folder(out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out, error.strerror) from error


def _write(out: Path, content: Mapping[str, Any]) -> None:
    _make_folder(out)
    try:
        write_whole(out, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise _unwritable(out, error.strerror) from error


def _require_writable(out: Path) -> None:
    """Complain now rather than after minutes of measuring; nothing is made yet.

    Raises:
        UserError: `out` is a folder, or nothing can be written there.
    """
    if out.is_dir():
        raise UserError(f"out={out}: a folder; name a file, such as {out / RESULT}")
    there = next(path for path in (out, *out.parents) if os.path.lexists(path))
    if there != out and not there.is_dir():
        raise _unwritable(out, f"{there} is no folder")
    if not os.access(there, os.W_OK):
        raise _unwritable(out, f"{there} is write-protected")


def _unwritable(out: Path, why: str | None) -> UserError:
    return UserError(f"out={out}: cannot be written ({why}); give another file")
