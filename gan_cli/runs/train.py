"""One training run from its config to its summary."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from gan_cli.assembly.build import (
    build_batches,
    build_dataset,
    build_parts,
    build_trainer,
    open_device,
)
from gan_cli.config.schema import check, find_links, trusted_in_checkpoint
from gan_cli.data.dataset import Dataset
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import RunFailed, UserError
from gan_cli.runs import resume
from gan_cli.runs.outputs import attach_sinks, keys_of
from gan_cli.runs.probes import attach_probes
from gan_cli.sinks.checkpoint import saved_in
from gan_cli.sinks.folder import run_folder
from gan_cli.sinks.jsonl import read_reports
from gan_cli.sinks.summary import versions

log = logging.getLogger(__name__)


def train(
    config: DictConfig,
    folder: Path,
    saved: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
) -> Trainer:
    """Train as `config` says and leave everything in `folder`.

    Args:
        config: composed and not yet checked.
        folder: the run's; made where missing.
        saved: a checkpoint's content to go on from.
        overrides: what was given on the command line, `key=value` each.

    Raises:
        UserError: bad config or bad input.
        RunFailed: the run could not go on; what was saved before is good.
    """
    if saved is None:
        _refuse_to_mix(config, folder)
    _settle_length(config, keys_of(overrides))
    trusted = trusted_in_checkpoint(config.trust) if saved else None
    unknown = OmegaConf.select(config, "data.n_classes", default=0) is None
    dataset = _count_classes(config, trusted) if unknown else None
    checked = check(config, trusted)
    device = open_device(checked["trainer"]["device"])
    parts = build_parts(checked, trusted, dataset)
    with run_folder(folder):
        if saved:
            resume.compare(saved["config"], OmegaConf.to_container(config, resolve=True))
        if dataset is None:
            parts.dataset.prepare()
        batches = build_batches(checked, parts.dataset, device)
        trainer = build_trainer(checked, parts, batches, device)
        config.trainer.steps = trainer.steps  # what trainer.epochs came to
        if saved:
            resume.restore(trainer, saved, batches.fingerprint)
            if trainer.step >= trainer.steps:
                log.info(
                    "finished already: %d of %d steps; ask for more with trainer.steps=%d",
                    *(trainer.step, trainer.steps, 2 * trainer.step),
                )
                return trainer
        earlier = read_reports(folder / "metrics.jsonl", trainer.step) if saved else []
        best = attach_probes(trainer, checked, trusted, parts, earlier)
        about = {
            "config": OmegaConf.to_container(config, resolve=True),
            "links": find_links(config),
            "overrides": [*(saved or {}).get("overrides", []), *overrides],
            "fingerprint": batches.fingerprint,
            "versions": versions(),
        }
        attach_sinks(trainer, about, checked, parts, batches, folder, best, earlier)
        log.info(
            "%s: %s pictures, %d steps on %s, into %s",
            *(config.name, f"{batches.size:,}", trainer.steps, device, shown(folder)),
        )
        _run(trainer, checked["data"]["batch_size"])
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


def _settle_length(config: DictConfig, chosen: Sequence[str]) -> None:
    """Epochs rule over the steps that come with the data, not over steps that were asked for."""
    if OmegaConf.select(config, "trainer.epochs") is not None and "trainer.steps" in chosen:
        if "trainer.epochs" in chosen:
            raise UserError("trainer.epochs, trainer.steps: give one of them, not both")
        config.trainer.epochs = None


def _count_classes(config: DictConfig, trusted: Sequence[str] | None) -> Dataset:
    """Fill in `data.n_classes: null` from the data's own folders or labels."""
    provisional = config.copy()
    provisional.data.n_classes = 1  # all other mistakes come out before the pictures are listed
    checked = check(provisional, trusted)
    dataset = build_dataset({"data": {**checked["data"], "n_classes": None}}, trusted)
    dataset.prepare()
    config.data.n_classes = dataset.n_classes
    return dataset


def _run(trainer: Trainer, batch_size: int) -> None:
    try:
        trainer.run()
    except torch.OutOfMemoryError as error:
        trainer.outcome = "out of memory"
        raise RunFailed(f"out of memory with data.batch_size={batch_size}; take less") from error
    except KeyboardInterrupt:
        trainer.outcome = "stopped at once"
        raise
    except Exception as error:
        trainer.outcome = str(error)
        raise
    finally:
        for sink in trainer.sinks:
            sink.close(trainer)


def shown(folder: Path) -> Path:
    """A path as short as it can be said from here."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
