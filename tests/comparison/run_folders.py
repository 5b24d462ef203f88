"""Run folders, written by hand."""

import json
from pathlib import Path
from typing import Any

import yaml

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000070000000508000000")
"""The beginning of a PNG of 7 x 5 pixels."""


def config(**changes: Any) -> dict[str, Any]:
    """A small resolved config; `lr` goes where interpolation would put it."""
    lr = changes.pop("lr", 0.0002)
    return {
        "name": "dcgan-digits",
        "seed": 0,
        "tricks": {"ema": {"_target_": "gan_cli.engine.ema.EMA", "decay": 0.999}},
        "trainer": {"steps": 100, "epochs": None},
        "optimizer": {"lr": lr, "generator": {"lr": lr}, "discriminator": {"lr": lr}},
        "model": {"generator": {"_target_": "gan_cli.networks.dcgan.Generator", "width": 8}},
        **changes,
    }


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "step": 100,
        "reason": "finished",
        "metrics": {"loss/D/adversarial": 1.25, "loss/G/adversarial": 0.7, "loss/D/slope": 0.1},
        "images_per_second": 250.5,
        "seconds": 12.8,
        "parameters": {"generator": 1234},
        "peak_memory_bytes": 1_500_000_000,
        **changes,
    }


def evaluation(n: int = 1000, step: int = 100, **values: float) -> dict[str, Any]:
    metrics = [
        {"name": name, "value": value, "held_out": 1.5, "n": n, "extractor": "a classifier"}
        for name, value in values.items()
    ]
    return {"step": step, "ema": True, "seed": 0, "count": n, "metrics": metrics}


def write_run(
    folder: Path,
    config: dict[str, Any] | None = None,
    reports: list[dict[str, Any]] | None = None,
    **contents: Any,
) -> Path:
    """A run's folder; `contents` are `summary`, `evaluation` and `chosen`, left out where None."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config or globals()["config"]()))
    if reports is not None:
        lines = (json.dumps(report) + "\n" for report in reports)
        (folder / "metrics.jsonl").write_text("".join(lines))
    for name in ("summary", "evaluation"):
        if contents.get(name) is not None:
            (folder / f"{name}.json").write_text(json.dumps(contents[name]))
    if "chosen" in contents:
        (folder / ".hydra").mkdir()
        (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(contents["chosen"]))
        (folder / ".hydra" / "config.yaml").write_text("seed: 0\n")  # not a run's
    return folder


def add_grid(folder: Path, step: int, content: bytes = PNG) -> None:
    (folder / "samples").mkdir(exist_ok=True)
    (folder / "samples" / f"step-{step:08d}.png").write_bytes(content)
