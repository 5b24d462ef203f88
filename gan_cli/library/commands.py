"""What the other commands do, as functions."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.cli.process import INTERRUPTED, Stopped, notes
from gan_cli.cli.train import train_in_process
from gan_cli.config.reader import check_plain
from gan_cli.errors import UserError
from gan_cli.evaluation.evaluate import EvaluateSettings, evaluate_checkpoint
from gan_cli.exports.write import ExportSettings, write_export
from gan_cli.library.common import StrPath, own_randomness
from gan_cli.metrics.values import MetricValue
from gan_cli.sinks.jsonl import read_reports


@dataclass(frozen=True)
class TrainedRun:
    """A run that is over, or was stopped; wherever a checkpoint is asked for, it will do.

    Attributes:
        folder: where it left everything.
        summary: `summary.json`: `step`, `reason`, the last `metrics`, `seconds`, `warnings`, ...
    """

    folder: Path
    summary: Mapping[str, Any]

    @property
    def reports(self) -> list[dict[str, float]]:
        """What it logged, `step`, `loss/D/...` and so on, a dictionary each time."""
        return read_reports(self.folder / "metrics.jsonl", self.summary["step"])

    def __fspath__(self) -> str:
        return str(self.folder)


def train(
    model: str | None = None,
    data: str | None = None,
    *,
    loss: str | None = None,
    optimizer: str | None = None,
    tricks: Sequence[str] | None = None,
    experiment: str | None = None,
    overrides: Sequence[str] = (),
    folder: StrPath | None = None,
    resume: StrPath | None = None,
    config_dir: StrPath | None = None,
) -> TrainedRun:
    """Train a GAN, as `gan-train` does; what it says goes to `logging`.

    Ctrl-C finishes the step, saves and raises KeyboardInterrupt.

    Args:
        model, data, loss, optimizer, tricks, experiment: options of the config groups; None: the
            default, or what the model brings.
        overrides: whatever else could be typed, such as `trainer.steps=500`.
        folder: where everything lands; None: a new one under `outputs/runs/`.
        resume: a run's folder or a checkpoint to go on from, with that run's config.
        config_dir: a folder with YAML of your own.

    Raises:
        UserError: bad config or bad input, a line a problem.
        RunFailed: the run could not go on; what was saved before is good.
    """
    groups = {"model": model, "data": data, "loss": loss, "optimizer": optimizer}
    groups["experiment"] = experiment
    chosen = [f"{group}={choice}" for group, choice in groups.items() if choice is not None]
    if tricks is not None:
        chosen.append(f"tricks=[{','.join(tricks)}]")
    if misplaced := [o for o in overrides if o.lstrip("+").startswith("resume=")]:
        raise UserError(f"{misplaced[0]}: give it as train(resume=...)")
    own = None if config_dir is None else Path(config_dir).expanduser().absolute()
    if own is not None and not own.is_dir():
        raise UserError(f"config_dir={own}: no such folder")
    target, place = (None if p is None else Path(p).expanduser() for p in (resume, folder))
    try:
        with own_randomness():
            made = train_in_process([*chosen, *overrides], target, own, place)
    except Stopped as stopped:
        error = KeyboardInterrupt() if stopped.code == INTERRUPTED else SystemExit(stopped.code)
        for note in notes(stopped):
            error.add_note(note)
        raise error from None
    return TrainedRun(made, json.loads((made / "summary.json").read_text(encoding="utf-8")))


def evaluate(
    checkpoint: StrPath,
    *,
    count: int = 50_000,
    seed: int = 0,
    ema: bool = True,
    out: StrPath | None = None,
    inception: str = "auto",
    device: str = "auto",
    trust: Sequence[str] = (),
    data_root: StrPath | None = None,
    data_limit: int | None = None,
    download: bool | None = None,
) -> dict[str, MetricValue]:
    """Measure how good samples are, as `gan-evaluate` does, and write it where that does.

    Args:
        checkpoint: see `load`.
        count: fakes, as published FIDs take them; 5000 for a first look.
        seed: the same seed draws the same fakes.
        ema: the running mean of G's weights, where the run kept one.
        out: None: `evaluation.json` in the run's folder.
        inception: for RGB: `auto` fetches its weights once (91 MB); `none`; or their path.
        device: see `load`.
        trust: see `load`.
        data_root: where the real samples are now; None: where the checkpoint had them.
        data_limit: compare with the first so many; None: all.
        download: True: fetch what is missing.

    Returns:
        Metrics by name; each has the `value` of the fakes, and, as `held_out`, that of real samples
        in their place.

    Raises:
        UserError: a checkpoint or data that cannot be used, nothing to measure by.
    """
    settings = check_plain(
        {
            "checkpoint": os.fspath(checkpoint),
            "count": count,
            "seed": seed,
            "ema": ema,
            "out": None if out is None else os.fspath(out),
            "inception": inception,
            "device": device,
            "trust": list(trust),
            "data": {
                "root": None if data_root is None else os.fspath(data_root),
                "limit": data_limit,
                "download": download,
            },
        },
        EvaluateSettings,
    )
    with own_randomness():
        return {value.name: value for value in evaluate_checkpoint(settings)}


def export(
    checkpoint: StrPath,
    out: StrPath,
    *,
    direction: str | None = None,
    license: str | None = None,
    ema: bool = True,
    overwrite: bool = False,
    trust: Sequence[str] = (),
) -> Path:
    """Write what draws for other programs, and a model card beside it, as `gan-export` does.

    Args:
        checkpoint: see `load`.
        out: ends in .onnx, .pt2 or .safetensors; anything without a suffix is a folder.
        direction: `ab` or `ba` (CycleGAN), where a file holds one network; None: the first.
        license: the short name of a license, such as `mit`; None: not said.
        ema: the running mean of weights, where the run kept one.
        overwrite: replace what is there.
        trust: see `load`.

    Returns:
        Where it was written.

    Raises:
        UserError: a checkpoint or an `out` that cannot be used, a network that cannot be exported,
            a package that is missing.
    """
    settings = check_plain(
        {
            "checkpoint": os.fspath(checkpoint),
            "out": os.fspath(out),
            "direction": direction,
            "license": license,
            "ema": ema,
            "overwrite": overwrite,
            "trust": list(trust),
        },
        ExportSettings,
    )
    with own_randomness():
        return write_export(settings)
