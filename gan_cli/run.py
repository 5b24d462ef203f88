"""One training run from its config to its summary."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from gan_cli import resume
from gan_cli.build import (
    Parts,
    build_batches,
    build_dataset,
    build_parts,
    build_trainer,
    count_parameters,
    open_device,
)
from gan_cli.config import check, find_links, leaves, trusted_in_checkpoint
from gan_cli.data.dataset import Dataset
from gan_cli.data.gaussians import Gaussians
from gan_cli.errors import RunFailed, UserError
from gan_cli.probes import open_health, open_quality
from gan_cli.sinks.best import Best
from gan_cli.sinks.checkpoint import Checkpoints, load_newest, saved_in
from gan_cli.sinks.folder import run_folder
from gan_cli.sinks.jsonl import JsonLines, read_reports
from gan_cli.sinks.progress import progress
from gan_cli.sinks.samples import POINTS, Samples
from gan_cli.sinks.summary import Summary, versions
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.trainer import Trainer

log = logging.getLogger(__name__)


def train(
    config: DictConfig,
    folder: Path,
    saved: Mapping[str, Any] | None = None,
    chosen: Sequence[str] = (),
) -> Trainer:
    """Train as `config` says and leave everything in `folder`.

    Args:
        config: composed and not yet checked.
        folder: the run's; made where missing.
        saved: a checkpoint's content to go on from.
        chosen: the keys that were given on the command line.

    Raises:
        UserError: bad config or bad input.
        RunFailed: the run could not go on; what was saved before is good.
    """
    if saved is None:
        _refuse_to_mix(config, folder)
    _settle_length(config, chosen)
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
        quality = open_quality(checked, trusted, parts, trainer)
        earlier = read_reports(folder / "metrics.jsonl", trainer.step) if saved else []
        health = open_health(checked, trusted, trainer, earlier)
        trainer.probes = [probe for probe in (quality, health) if probe is not None]
        best = None if quality is None else quality.choose(checked["evaluation"]["best"])
        about = {
            "config": OmegaConf.to_container(config, resolve=True),
            "links": find_links(config),
            "chosen": sorted({*chosen, *(saved or {}).get("chosen", [])}),
            "fingerprint": batches.fingerprint,
            "versions": versions(),
        }
        _attach_sinks(trainer, about, checked, parts, folder, best)
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


def _attach_sinks(
    trainer: Trainer,
    about: Mapping[str, Any],
    checked: Mapping[str, Any],
    parts: Parts,
    folder: Path,
    best: tuple[str, bool] | None,
) -> None:
    """Everything the run is to leave in its folder; `about` goes into each checkpoint."""
    resolved = about["config"]
    yaml = OmegaConf.to_yaml(OmegaConf.create(resolved))
    (folder / "config.yaml").write_text(yaml, encoding="utf-8")
    settings = checked["trainer"]
    tensorboard = TensorBoard(
        folder / "tensorboard", trainer.step, yaml, hyperparameters(resolved, about["chosen"])
    )
    checkpoints = Checkpoints(
        settings["checkpoint_every"], folder / "checkpoints", settings["keep_last"], about
    )
    keeper = Best(*best, folder / "checkpoints", about) if best else None
    trainer.sinks = [
        JsonLines(folder / "metrics.jsonl", trainer.step),
        tensorboard,
        Samples(
            settings["sample_every"],
            folder / "samples",
            parts.generator,
            checked["seed"],
            parts.dataset.load().images[:POINTS] if isinstance(parts.dataset, Gaussians) else None,
            tensorboard,
        ),
        checkpoints,
        *([keeper] if keeper else []),
        progress(trainer.step, trainer.steps),
        Summary(
            folder / "summary.json",
            checkpoints,
            keeper,
            {name: count_parameters(network) for name, network in parts.networks.items()},
            trainer.device,
            trainer.images,
        ),
    ]
    trainer.rollback = lambda: trainer.load_state_dict(load_newest(folder)[1]["state"])


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


def hyperparameters(config: Any, chosen: Sequence[str]) -> dict[str, bool | str | float | int]:
    """What tells this run from others, flat, for TensorBoard's HParams page.

    All keys of a config would bury the two that a sweep varies: the page gets those that were given
    on the command line, and the usual suspects.
    """
    values = dict(leaves(config)) | {"tricks": ", ".join(config["tricks"])}
    wanted = ("name", "seed", "data.batch_size", "optimizer.lr", "tricks", *chosen)
    return {
        key: value if isinstance(value := values[key], bool | int | float | str) else str(value)
        for key in dict.fromkeys(wanted)
        if key in values and not key.startswith("trainer.")  # how long, not what
    }


def shown(folder: Path) -> Path:
    """A path as short as it can be said from here."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
