"""What a run will take, told before it starts: `trainer.dry_run=true`."""

import logging
import time
from collections.abc import Iterator

import torch

from gan_cli.assembly.flops import count_flops
from gan_cli.assembly.memory import GIB, bytes_of
from gan_cli.config.schema import TrainerSettings
from gan_cli.engine.trainer import Trainer
from gan_cli.runs.outputs import count_parameters
from gan_cli.sinks.summary import device_name, peak_memory

log = logging.getLogger(__name__)

WARM_UP, MOST, SECONDS = 2, 50, 5.0
"""Steps before the clock is looked at, steps that are timed, and the time they may take."""
COUNTED = 4
"""Steps whose operations are counted: terms that come each few steps are among them."""
MIB = 2**20
FINISHED = "dry run"


def log_forecast(trainer: Trainer, settings: TrainerSettings) -> None:
    """Train a few steps, say what a run like this takes, and leave it there; nothing is written.

    Args:
        trainer: built, without sinks.
        settings: how long, and what is written when.
    """
    trainer.outcome = FINISHED
    for line in _lines(trainer, settings):
        log.info("%s", line)


def _lines(trainer: Trainer, settings: TrainerSettings) -> Iterator[str]:
    seconds = _time_steps(trainer)
    operations = _count_operations(trainer)
    images = trainer.images / trainer.step
    learnt = {name: count_parameters(spec.modules) for name, spec in trainer.game.players.items()}
    state = bytes_of(trainer.state_dict())

    yield f"device: {device_name(trainer.device)}, {trainer.precision}"
    yield "parameters: " + ", ".join(f"{name} {count:,}" for name, count in learnt.items())
    yield (
        f"memory: {peak_memory(trainer.device) / GIB:.2f} GiB at the most so far, "
        f"of which a checkpoint holds {state / GIB:.3f}"
    )
    yield (
        f"a step: {seconds:.3g} s, {images:g} real images ({images / seconds:,.0f} a second), "
        f"{operations / 1e9:.3g} GFLOP ({operations / seconds / 1e9:,.0f} GFLOP/s)"
    )
    steps = trainer.duration.steps or max(int(60 * (trainer.duration.minutes or 0) / seconds), 1)
    yield (
        f"the run: {steps:,} steps, {_duration(steps * seconds)} of training, "
        f"{steps * images / trainer.batches.size:.3g} epochs of {trainer.batches.size:,} samples"
    )
    written = _written(settings, steps)
    checkpoints = written.pop("checkpoints kept")
    shown = ", ".join(f"{count:,} {name}" for name, count in written.items() if count)
    yield (
        f"on disk: {checkpoints} checkpoints of {state / MIB:,.1f} MiB kept at a time "
        f"({checkpoints * state / MIB:,.0f} MiB); {shown}; their time is not in the estimate"
    )


def _time_steps(trainer: Trainer) -> float:
    """Seconds a step, the mean of a few."""
    for _ in range(WARM_UP):
        trainer.play()
    _settle(trainer)
    began, steps = time.perf_counter(), 0
    while steps < MOST and time.perf_counter() - began < SECONDS:
        trainer.play()
        steps += 1
    _settle(trainer)
    return (time.perf_counter() - began) / steps


def _settle(trainer: Trainer) -> None:
    """Wait for the device, and see that all numbers were finite."""
    if trainer.device.type != "cpu":
        torch.accelerator.synchronize()
    trainer.state_dict()


def _count_operations(trainer: Trainer) -> float:
    """Floating-point operations of a step, the mean of a few."""
    return sum(count_flops(trainer.play) for _ in range(COUNTED)) / COUNTED


def _written(settings: TrainerSettings, steps: int) -> dict[str, int]:
    """How much of what a run writes."""

    def times(every: int) -> int:
        return steps // every if every else 0

    measured = times(settings.evaluate_every) + bool(settings.evaluate_every)
    return {
        "checkpoints kept": min(settings.keep_last, times(settings.checkpoint_every) + 1)
        + bool(measured),
        "reports": times(settings.log_every),
        "sheets of samples": times(settings.sample_every),
        "measurements of samples": measured,
    }


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"
