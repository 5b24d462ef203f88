"""One training run from its config to its summary; read it as a table of contents."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from gan_cli.assembly.build import (
    build_batches,
    build_game,
    build_players,
    build_trainer,
    place,
)
from gan_cli.assembly.compatibility import refuse_unfit_data
from gan_cli.assembly.devices import open_local_device, prepare_device
from gan_cli.assembly.dry_run import try_game
from gan_cli.assembly.memory import bytes_of
from gan_cli.assembly.parts import reading_batch, seen_at_once
from gan_cli.assembly.precision import settle_precision
from gan_cli.config.by_device import chosen_by_device
from gan_cli.config.checkpointed import trusted_in_checkpoint
from gan_cli.config.reader import read, settle_length
from gan_cli.config.schema import Settings
from gan_cli.data.dataset import Dataset
from gan_cli.engine.distributed import ALONE, Ranks, share_of
from gan_cli.engine.interrupts import Interrupts
from gan_cli.engine.state import weights_of
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import UserError, short_of_memory
from gan_cli.evaluation.real_data import RealData
from gan_cli.networks.synchronised import synchronise
from gan_cli.runs import resume
from gan_cli.runs.ahead import knows_classes, with_one_class
from gan_cli.runs.following import follow
from gan_cli.runs.forecast import log_forecast
from gan_cli.runs.outputs import attach_sinks, describe, keys_of
from gan_cli.runs.probes import attach_probes
from gan_cli.sinks.folder import run_folder
from gan_cli.sinks.jsonl import read_reports
from gan_cli.sinks.saved import saved_in
from gan_cli.sinks.summary import is_finished

log = logging.getLogger(__name__)

TOO_LARGE = "these networks take more than there is; make them smaller (model.*)"
TOO_MUCH_DATA = "the data takes more than there is; lower data.limit or image_size"


def run_training(
    config: DictConfig,
    folder: Path,
    saved: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    choices: Mapping[str, Any] | None = None,
    on_begin: Callable[[Interrupts], None] = lambda interrupts: None,
    swept: Sequence[str] = (),
    as_typed: bool = False,
    ranks: Ranks = ALONE,
) -> Trainer:
    """Train as `config` says and leave everything in `folder`; a dry run leaves nothing.

    Args:
        config: composed and not yet checked.
        folder: the run's; made where missing.
        saved: a checkpoint's content to go on from.
        overrides: what was given on the command line, `key=value` each.
        choices: which option of each config group was taken.
        on_begin: called once the folder is locked and nothing refuses the run any more, before
            anything is written there.
        swept: the keys that differ between this run and the others of its sweep.
        as_typed: whether a person typed `config` also where `saved` is given: it is trusted then.
        ranks: the processes that train together; only the first of them writes.

    Raises:
        UserError: bad config or bad input.
        RunFailed: the run could not go on; what was saved before is good.
    """
    # check: everything that can be known without reading data
    if saved is None and ranks.leads:
        _refuse_to_mix(config, folder)
    settle_length(config, keys_of(overrides))
    by_device = chosen_by_device(config)
    trusted = trusted_in_checkpoint(config.trust) if saved and not as_typed else None
    settings, dataset = _read_config(config, trusted)
    if saved:
        resume.compare(saved["config"], settings.plain)
    for logger in settings.logger.values() if ranks.leads else ():
        logger.build().require()
    share = share_of(settings.data.batch_size, ranks, settings.trainer.accumulate)
    if settings.trainer.dry_run and ranks.size > 1:
        raise UserError("trainer.dry_run=true: it tells of one process; run it without torchrun")
    device = open_local_device(settings.trainer.device, ranks)
    if by_device:
        log.info("values for %s: %s", device, ", ".join(f"{k}={v}" for k, v in by_device.items()))

    # build: the game meets its data's shapes before any data is downloaded or decoded
    refuse_unfit_data(settings.model.cls, dataset.fields)
    held = bytes_of(saved["state"].get("game")) if saved else None
    with short_of_memory(TOO_LARGE):
        game = build_game(seen_at_once(settings, share), dataset.fields, held)
        if settings.trainer.sync_batchnorm and ranks.size > 1:
            synchronise(game)
        game = place(game, device)
        players = build_players(settings, game)
    if dataset.local:
        _prepare(dataset)
    with short_of_memory(TOO_LARGE):
        sizes = share, dataset.n_classes
        settings, scalars = settle_precision(
            settings, device, lambda precision: try_game(game, *sizes, device, precision)
        )
    prepare_device(device, settings.trainer.precision)
    if share < settings.data.batch_size and (apart := reading_batch(game)):
        said = "%d of the %d samples of a batch are seen at once, also by %s, which read a batch"
        log.info(said, share, settings.data.batch_size, ", ".join(apart))

    with run_folder(folder) if ranks.leads else nullcontext():
        # data, and where to go on from
        if not dataset.local:
            _prepare(dataset)
        with short_of_memory(TOO_MUCH_DATA):
            data = RealData(dataset, settings.data.memory_limit)
            batches = build_batches(settings, dataset, device, data.load_training, ranks)
        game.meet(data.load_training, dataset.n_classes, device)
        trainer = build_trainer(settings, game, players, batches, device, ranks)
        if saved:
            resume.restore(trainer, saved, batches.fingerprint)
            log.info("going on from step %d of %s", trainer.step, trainer.duration)
            finished = ranks.leads and is_finished(folder / "summary.json", trainer.step)
            if trainer.over and finished:
                _say_finished(trainer)
                return trainer

        if settings.trainer.dry_run:
            log_forecast(trainer, settings.trainer)
            return trainer

        # attach: what looks at the run, and what it leaves behind
        if not ranks.leads:
            follow(trainer)
            ranks.ready(weights_of(trainer))
            on_begin(trainer.interrupts)
            _run(trainer, settings.data.batch_size)
            return trainer
        earlier = read_reports(folder / "metrics.jsonl", trainer.step) if saved else []
        probes = attach_probes(trainer, settings, data, scalars, earlier)
        trainer.returns = probes.returns
        ranks.ready(weights_of(trainer))
        on_begin(trainer.interrupts)
        about = describe(settings, dataset, batches, saved, overrides, choices)
        attach_sinks(trainer, about, settings, dataset, batches, folder, probes, earlier, swept)
        del data  # what it read is held by those who need it

        # run
        log.info(
            "%s: %s samples, %s on %s, into %s",
            *(settings.name, f"{batches.size:,}", trainer.duration, device, shown(folder)),
        )
        _run(trainer, settings.data.batch_size)
        log.info("%s after %d steps: %s", trainer.outcome, trainer.step, shown(folder))
        return trainer


def _refuse_to_mix(config: DictConfig, folder: Path) -> None:
    """A new run belongs into a folder of its own."""
    if config.get("resume") is not None:
        raise UserError("resume: give it on the command line, resume=RUN")
    if saved_in(folder / "checkpoints"):
        raise UserError(
            f"{folder}: holds a run already; go on with it, resume={folder}, or give this one "
            "another hydra.run.dir"
        )


def _read_config(config: DictConfig, trusted: Sequence[str] | None) -> tuple[Settings, Dataset]:
    """The settings and the dataset; `data.n_classes: null` becomes what its folders hold."""
    if knows_classes(config):
        settings = read(config, trusted)
        return settings, settings.data.dataset.build()
    # all other mistakes come out before the images are listed
    component = read(with_one_class(config), trusted).data.dataset
    dataset = component.build(n_classes=None)
    dataset.prepare()
    config.data.n_classes = dataset.n_classes
    return read(config, trusted), dataset


def _prepare(dataset: Dataset) -> None:
    with short_of_memory(TOO_MUCH_DATA):
        dataset.prepare()


def _say_finished(trainer: Trainer) -> None:
    more = f"trainer.steps={2 * trainer.step}" if trainer.duration.steps else "more trainer.minutes"
    said = "finished already: %d of %s; ask for more with %s"
    log.info(said, trainer.step, trainer.duration, more)


def _run(trainer: Trainer, batch_size: int) -> None:
    try:
        with short_of_memory(f"data.batch_size={batch_size} is too much here; take less"):
            for sink in trainer.sinks:
                sink.open(trainer)
            trainer.run()
    except KeyboardInterrupt:
        trainer.outcome = "stopped at once"
        raise
    except Exception as error:
        trainer.outcome = str(error)
        raise
    finally:
        trainer.batches.close()
        for sink in trainer.sinks:
            sink.close(trainer)


def shown(folder: Path) -> Path:
    """A path as short as it can be said from here."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
