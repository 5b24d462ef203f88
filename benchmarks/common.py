"""What the benchmarks share: a trainer made of overrides as `gan-train` makes it, and the clock."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gan_cli.assembly.build import build_batches, build_game, build_players, build_trainer, place
from gan_cli.assembly.devices import open_device, prepare_device
from gan_cli.assembly.precision import settle_precision
from gan_cli.cli.overrides import reach_unlisted
from gan_cli.config.reader import read
from gan_cli.config.schema import Settings
from gan_cli.data.dataset import Dataset
from gan_cli.engine.trainer import Trainer
from gan_cli.paths import conf_folder


def compose_config(overrides: Sequence[str]) -> DictConfig:
    """What `gan-train` would compose of these overrides."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose("train", [reach_unlisted(item) for item in overrides])


def open_settings(overrides: Sequence[str]) -> tuple[Settings, Dataset, torch.device]:
    """A run's settings, its data, prepared, and its device, set up for training."""
    settings = read(compose_config([*overrides, "name=benchmark"]))
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


class Flops(TorchDispatchMode):
    """Counts the floating-point operations of matrix products and convolutions, forward and back.

    With torch's own formulas; torch's own counter follows modules and cannot bear a gradient of a
    gradient.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.count += formula(*args, **(kwargs or {}), out_val=found)
        return found


def count_flops(step: Callable[[], Any]) -> int:
    """The floating-point operations of one call."""
    with Flops() as counter:
        step()
    return counter.count
