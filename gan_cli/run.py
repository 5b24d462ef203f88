"""One training run from its config to its summary."""

import json
import logging
import platform
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
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
from gan_cli.errors import RunFailed
from gan_cli.sinks.checkpoint import Checkpoints, load_newest
from gan_cli.sinks.folder import RunFolder
from gan_cli.sinks.jsonl import JsonLines
from gan_cli.sinks.progress import progress
from gan_cli.sinks.samples import POINTS, Samples
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.trainer import Trainer

log = logging.getLogger(__name__)


def train(config: DictConfig, folder: Path, saved: Mapping[str, Any] | None = None) -> Trainer:
    """Train as `config` says and leave everything in `folder`.

    Args:
        config: composed and not yet checked.
        folder: the run's; made where missing.
        saved: a checkpoint's content to go on from.

    Raises:
        UserError: bad config or bad input.
        RunFailed: the run could not go on; what was saved before is good.
    """
    trusted = trusted_in_checkpoint(config.trust) if saved else None
    dataset = _count_classes(config, trusted) if config.data.get("n_classes", 0) is None else None
    checked = check(config, trusted)
    device = open_device(checked["trainer"]["device"])
    parts = build_parts(checked, trusted, dataset)
    with RunFolder(folder):
        if saved:
            resume.compare(saved["config"], OmegaConf.to_container(config, resolve=True))
        batches = build_batches(checked, parts.dataset, device)
        trainer = build_trainer(checked, parts, batches, device)
        if saved:
            resume.restore(trainer, saved, batches.fingerprint)
            if trainer.step >= trainer.steps:
                log.info(
                    "finished already: %d of %d steps; ask for more with trainer.steps=%d",
                    *(trainer.step, trainer.steps, 2 * trainer.steps),
                )
                return trainer
        return _run(trainer, config, checked, parts, folder, batches.fingerprint)


def _count_classes(config: DictConfig, trusted: Sequence[str] | None) -> Dataset:
    """Fill in `data.n_classes: null` from the data's own folders or labels."""
    provisional = config.copy()
    provisional.data.n_classes = 1  # all other mistakes come out before the pictures are listed
    checked = check(provisional, trusted)
    dataset = build_dataset({"data": {**checked["data"], "n_classes": None}}, trusted)
    dataset.prepare()
    config.data.n_classes = dataset.n_classes
    return dataset


def _run(
    trainer: Trainer,
    config: DictConfig,
    checked: Mapping[str, Any],
    parts: Parts,
    folder: Path,
    fingerprint: str,
) -> Trainer:
    resolved = OmegaConf.to_container(config, resolve=True)
    about = {
        "config": resolved,
        "links": find_links(config),
        "fingerprint": fingerprint,
        "versions": versions(),
    }
    yaml = OmegaConf.to_yaml(OmegaConf.create(resolved))
    (folder / "config.yaml").write_text(yaml, encoding="utf-8")
    settings = checked["trainer"]
    tensorboard = TensorBoard(folder / "tensorboard", trainer.step, yaml, hyperparameters(resolved))
    real = None
    if isinstance(parts.dataset, Gaussians):
        real = parts.dataset.load().images[:POINTS]
    checkpoints = Checkpoints(
        settings["checkpoint_every"], folder / "checkpoints", settings["keep_last"], about
    )
    trainer.sinks = [
        JsonLines(folder / "metrics.jsonl", trainer.step),
        tensorboard,
        Samples(
            settings["sample_every"],
            folder / "samples",
            parts.generator,
            checked["seed"],
            real,
            tensorboard,
        ),
        checkpoints,
        progress(trainer.step, trainer.steps),
    ]
    trainer.rollback = lambda: trainer.load_state_dict(load_newest(folder)[1]["state"])
    sizes = {
        "generator": count_parameters(parts.generator),
        "discriminator": count_parameters(parts.discriminator),
    }
    log.info(
        "%s: G %s and D %s parameters, %s pictures, %d steps on %s, into %s",
        *(config.name, f"{sizes['generator']:,}", f"{sizes['discriminator']:,}"),
        *(f"{trainer.batches.size:,}", trainer.steps, trainer.device, folder),
    )
    began = time.monotonic(), trainer.images
    reason = "failed"
    try:
        reason = trainer.run()
    except torch.OutOfMemoryError as error:
        reason = "out of memory"
        raise RunFailed(
            f"out of memory with data.batch_size={checked['data']['batch_size']}; take less"
        ) from error
    except RunFailed as error:
        reason = str(error)
        raise
    except KeyboardInterrupt:
        reason = "SIGINT"
        raise
    finally:
        for sink in trainer.sinks:
            sink.close(trainer)
        seconds = time.monotonic() - began[0]
        summary = {
            "step": trainer.step,
            "reason": reason,
            "metrics": trainer.last_report,
            "images_per_second": round((trainer.images - began[1]) / seconds, 1),
            "seconds": round(seconds, 1),
            "checkpoint": checkpoints.newest and str(checkpoints.newest.relative_to(folder)),
            "parameters": sizes,
            "device": device_name(trainer.device),
            "versions": versions(),
            "peak_memory_bytes": peak_memory(trainer.device),
        }
        (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    log.info("%s after %d steps in %.0f s: %s", reason, trainer.step, seconds, checkpoints.newest)
    return trainer


def hyperparameters(config: Any) -> dict[str, bool | str | float | int]:
    """What a sweep may vary, flat, for TensorBoard's HParams page."""
    skipped = ("trainer.", "resume", "trust", "data.root", "data.workers", "data.memory_limit")
    return {
        key: value if isinstance(value, (bool, int, float, str)) else str(value)
        for key, value in leaves(config)
        if not key.startswith(skipped)
    }


def versions() -> dict[str, str]:
    """What the run was made with."""
    packages = ("gan-cli", "torch", "torchvision")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def device_name(device: torch.device) -> str:
    """The device as a person knows it."""
    if device.type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}"
    return f"{device.type} with {torch.get_num_threads()} threads"


def peak_memory(device: torch.device) -> int:
    """Most bytes held at once: on the GPU where there is one, else by the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
