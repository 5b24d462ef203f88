"""What the benchmarks share: a trainer made of overrides as `gan-train` makes it, and the clock."""

import time
from collections.abc import Sequence

import torch
from omegaconf import DictConfig

from gan_cli.assembly.build import build_batches, build_game, build_players, build_trainer, place
from gan_cli.assembly.devices import open_device, prepare_device
from gan_cli.assembly.precision import settle_precision
from gan_cli.cli.embedded import composed
from gan_cli.cli.overrides import reach_unlisted
from gan_cli.config.reader import read
from gan_cli.config.schema import Settings
from gan_cli.data.dataset import Dataset
from gan_cli.engine.trainer import Trainer


def compose_config(overrides: Sequence[str]) -> DictConfig:
    """What `gan-train` would compose of these overrides.

    Raises:
        UserError: what is wrong with them, a line each.
    """
    with composed("train", [reach_unlisted(item) for item in overrides]) as config:
        return config


def read_settings(overrides: Sequence[str]) -> Settings:
    """A run's settings.

    Raises:
        UserError: what is wrong with the overrides, a line each.
    """
    return read(compose_config([*overrides, "name=benchmark"]))


def open_settings(overrides: Sequence[str]) -> tuple[Settings, Dataset, torch.device]:
    """A run's settings, its data, prepared, and its device, set up for training."""
    settings = read_settings(overrides)
    dataset = settings.data.dataset.build()
    dataset.prepare()
    device = open_device(settings.trainer.device)
    settings, _ = settle_precision(settings, device, lambda precision: [])
    prepare_device(device, settings.trainer.precision)
    return settings, dataset, device


def open_trainer(settings: Settings, dataset: Dataset, device: torch.device) -> Trainer:
    """A trainer without probes and sinks."""
    game = place(build_game(settings, dataset.fields), device)
    players = build_players(settings, game)
    batches = build_batches(settings, dataset, device)
    game.meet(dataset.load, dataset.n_classes, device)
    return build_trainer(settings, game, players, batches, device)


def now() -> float:
    """Seconds, once the device has done all it was given."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
    return time.perf_counter()
