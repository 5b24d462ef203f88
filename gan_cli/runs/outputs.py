"""Everything a run leaves in its folder."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from gan_cli.config.reader import leaves
from gan_cli.config.schema import Settings
from gan_cli.data.batches import Batches
from gan_cli.data.dataset import Dataset
from gan_cli.engine.trainer import Trainer
from gan_cli.files import remove_unfinished, write_whole
from gan_cli.games.base import Game
from gan_cli.games.losses import Minimax
from gan_cli.health.advice import RunFacts, advise
from gan_cli.health.symptoms import Symptom
from gan_cli.runs.probes import Probes
from gan_cli.runs.rollback import Rollback
from gan_cli.sinks.best import Best
from gan_cli.sinks.checkpoint import Checkpoints
from gan_cli.sinks.curves import Curves
from gan_cli.sinks.gallery import fixed_reals, modes_counted, open_gallery, surface_of
from gan_cli.sinks.health import HealthWarnings
from gan_cli.sinks.jsonl import JsonLines
from gan_cli.sinks.loggers import EventFiles, NoTensorBoard, Opening
from gan_cli.sinks.progress import progress_sinks
from gan_cli.sinks.samples import KEPT
from gan_cli.sinks.summary import Summary, versions
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.tricks.base import Term

NAMED = ("model", "data")
"""Groups whose options a run's name says."""


def describe(
    settings: Settings,
    dataset: Dataset,
    batches: Batches,
    saved: Mapping[str, Any] | None,
    overrides: Sequence[str],
    choices: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What each checkpoint says of its run, besides the state.

    Args:
        settings: the run's.
        dataset: prepared.
        batches: of it.
        saved: the checkpoint that is resumed from.
        overrides: what was given on the command line now.
        choices: which option of each config group was taken, where that was now.
    """
    before = saved or {"overrides": [], "choices": {}}
    return {
        "config": settings.plain,
        "links": settings.links,
        "overrides": [*before["overrides"], *overrides],
        "choices": {k: v for k, v in (choices or before["choices"]).items() if v is not None},
        "fields": {name: field.to_plain() for name, field in dataset.fields.items()},
        "class_names": list(dataset.class_names),
        "fingerprint": batches.fingerprint,
        "versions": versions(),
    }


def attach_sinks(
    trainer: Trainer,
    about: Mapping[str, Any],
    settings: Settings,
    dataset: Dataset,
    batches: Batches,
    folder: Path,
    probes: Probes,
    earlier: Sequence[Mapping[str, float]],
    swept: Sequence[str],
) -> None:
    """Give `trainer` the sinks of everything the run is to leave in its folder.

    Args:
        trainer: built, where it goes on from.
        about: what each checkpoint says of the run; see `describe`.
        settings: the run's.
        dataset: prepared.
        batches: where real samples are looked up.
        folder: the run's.
        probes: says by which scalar the best checkpoint goes.
        earlier: reports of a run that is resumed.
        swept: the keys that a sweep varies.
    """
    game, every = trainer.game, settings.trainer

    # the config, as a file and for TensorBoard
    remove_unfinished(folder, folder / KEPT)
    yaml = OmegaConf.to_yaml(OmegaConf.create(dict(settings.plain)))
    write_whole(folder / "config.yaml", yaml.encode())
    shown = hyperparameters(settings, about["choices"], keys_of(about["overrides"]), swept)
    tensorboard: TensorBoard = NoTensorBoard()
    if any(issubclass(logger.cls, EventFiles) for logger in settings.logger.values()):
        board = board_folder(folder / "tensorboard", sweep_label(settings.name, shown, swept))
        tensorboard = TensorBoard(board, trainer.step, yaml, shown, swept)
    opening = Opening(
        *(folder, settings.name, trainer.step, every.sample_every), settings.plain, shown
    )
    others = [logger.build().open(opening) for logger in settings.logger.values()]

    # states: the best is saved before the step it belongs to
    where = folder / "checkpoints"
    best = Best(*probes.best, where, about) if probes.best else None
    checkpoints = Checkpoints(every.checkpoint_every, where, every.keep_last, about)
    trainer.rollback = Rollback(trainer, where)

    # what a person looks at
    health = HealthWarnings(advisor(about["overrides"], settings, game), earlier)
    look_up = fixed_reals(batches, settings.seed)
    images = open_gallery(
        *(every.sample_every, folder, game, look_up, dataset.class_names),
        *(settings.seed, trainer.step, tensorboard, surface_of(game), modes_counted(dataset)),
    )
    summary = Summary(
        folder / "summary.json",
        checkpoints,
        best,
        health.watch,
        {name: count_parameters(spec.modules) for name, spec in game.players.items()},
        trainer.device,
        trainer.images,
    )

    trainer.sinks = [
        JsonLines(folder / "metrics.jsonl", trainer.step),
        *([best] if best else []),
        checkpoints,
        *progress_sinks(trainer.step, trainer.duration),
        *([health] if every.health else []),
        *images,
        Curves(folder / "curves.png", folder / "metrics.jsonl"),
        tensorboard,  # closed after those that show in it
        *(other for other in others if other is not None),  # they follow what the others write
        summary,  # last: where it says that a run is finished, nothing else is missing
    ]


def advisor(overrides: Sequence[str], settings: Settings, game: Game) -> Callable[[Symptom], str]:
    """What usually helps this very run against a symptom, as one line."""
    adversaries = [game.adversary(name) for name in game.adversaries]
    terms = [term for adversary in adversaries for term in adversary.terms.values()]
    facts = RunFacts(
        overrides,
        penalty=any(isinstance(term, Term) and term.double_backward for term in terms),
        points=any(field.kind == "point" for field in game.fields.values()),
        saturating=any(isinstance(adversary.loss, Minimax) for adversary in adversaries),
        lr=settings.optimizer.of("discriminator").arguments.get("lr"),
    )
    return functools.partial(advise, facts=facts)


def count_parameters(modules: Sequence[Any]) -> int:
    """How many numbers modules learn."""
    return sum(p.numel() for module in modules for p in module.parameters())


def keys_of(overrides: Sequence[str]) -> list[str]:
    """The keys that were given on the command line, each once."""
    return sorted({override.partition("=")[0].lstrip("+~") for override in overrides})


def hyperparameters(
    settings: Settings, choices: Mapping[str, Any], chosen: Sequence[str], swept: Sequence[str]
) -> dict[str, bool | str | float | int]:
    """What tells this run from others, flat, for TensorBoard's HParams page.

    All keys of a config would bury the two that a sweep varies: of a sweep, the page gets only
    those, so that the figures beside them are in sight; else what was given on the command line,
    and the usual suspects. Of a group it has the option that was taken.
    """
    values = {**choices, **dict(leaves(settings.plain)), "tricks": ", ".join(settings.tricks)}
    usual = ("name", "seed", "data.batch_size", "optimizer.lr", "tricks")
    apart = ("trainer.", "logger.")  # how long and where to, not what
    said = [*NAMED, *(key for key in chosen if key.startswith(apart))]
    wanted = [*swept, "name"] if swept else [*usual, *(key for key in chosen if key not in said)]
    return {
        key: value if isinstance(value := values[key], bool | int | float | str) else str(value)
        for key in dict.fromkeys(wanted)
        if key in values
    }


def sweep_label(name: str, hyperparameters: Mapping[str, Any], swept: Sequence[str]) -> str:
    """What a run of a sweep is called: its model and data, and what was swept, `lr=0.001`."""
    said = {key: hyperparameters[key] for key in swept if key in hyperparameters}
    parts = [f"{key.rpartition('.')[2]}={value}" for key, value in said.items() if key not in NAMED]
    return " ".join([name, *parts]) if swept else ""


def board_folder(folder: Path, label: str) -> Path:
    """Where the events of a run go: TensorBoard calls a run by its folders' names.

    Args:
        folder: `tensorboard` of the run.
        label: what it is called in its sweep; empty for a run whose own folder says enough.
    """
    before = next(iter(sorted(folder.rglob("events.out.tfevents.*"))), None)
    if before is not None:
        return before.parent  # of a run that is resumed
    return folder / "".join(c if c.isalnum() or c in " -_.,=+" else "_" for c in label)[:150]
