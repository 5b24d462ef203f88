"""How a step's time grows with batch, width and image size, beside the arithmetic it takes.

    python benchmarks/scaling.py --out outputs/scaling
    python benchmarks/scaling.py --axes batch --values 16 64 256 --rounds 5 --model vanilla

One point a value, all others as in `BASE`; where both lines are parallel, time goes where the
floating-point operations are. Writes OUT.json after each point and OUT.png at the end; points that
are there are not measured again.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import our_step, seconds
from gan_cli.assembly.flops import count_flops

AXES = {
    "batch": (16, 32, 64, 128, 256, 512, 1024),
    "width": (16, 32, 64, 128, 256),
    "size": (16, 32, 64, 128),
}
BASE = {"batch": 64, "width": 32, "size": 32}


def overrides_of(model: str, device: str, axis: str, value: int) -> list[str]:
    """The keys of a point: `BASE`, but for one value."""
    at = BASE | {axis: value}
    return [
        *(f"model={model}", f"trainer.device={device}", f"data.batch_size={at['batch']}"),
        *(f"data.image_size={at['size']}", "data.channels=3"),
        *(f"model.{network}.width={at['width']}" for network in ("generator", "discriminator")),
    ]


def measure(overrides: Sequence[str], rounds: int) -> dict[str, float]:
    """Median seconds of a step, and its arithmetic."""
    step = our_step(overrides)
    step()  # allocates
    flops = count_flops(step)
    times = [seconds(step) for _ in range(rounds)]
    return {"ms": 1e3 * statistics.median(times), "gflop": flops / 1e9}


def draw(points: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A panel an axis: milliseconds, and what they would be at the rate of the largest value."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    axes = [axis for axis in AXES if any(p["axis"] == axis for p in points)]
    figure = Figure(figsize=(4.5 * len(axes), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, axis in zip(figure.subplots(1, len(axes), squeeze=False)[0], axes, strict=True):
        found = sorted((p for p in points if p["axis"] == axis), key=lambda p: p["value"])
        values = [p["value"] for p in found]
        rate = found[-1]["gflop"] / found[-1]["ms"]
        panel.loglog(values, [p["ms"] for p in found], "o-", label="a step")
        panel.loglog(values, [p["gflop"] / rate for p in found], "--", label="its arithmetic")
        panel.set_xticks(values, [str(v) for v in values])
        panel.set_xticks([], minor=True)
        panel.set_xlabel(axis)
        panel.set_ylabel("ms")
        panel.legend()
    figure.savefig(path, dpi=100)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--axes", nargs="+", choices=list(AXES), default=list(AXES))
    parser.add_argument("--values", nargs="+", type=int, help="instead of each axis's own")
    parser.add_argument("--model", default="dcgan", help="one with generator.width")
    parser.add_argument("--rounds", type=int, default=5, help="steps of each")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("outputs/scaling"))
    given = parser.parse_args(arguments)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    file = given.out.with_suffix(".json")
    points: list[dict[str, Any]] = json.loads(file.read_text())["points"] if file.is_file() else []
    for axis in given.axes:
        for value in given.values or AXES[axis]:
            overrides = overrides_of(given.model, given.device, axis, value)
            if any((p["axis"], p["overrides"]) == (axis, overrides) for p in points):
                continue
            found = measure(overrides, given.rounds)
            points.append({"axis": axis, "value": value, "overrides": overrides} | found)
            about = {"torch": torch.__version__, "threads": torch.get_num_threads()}
            file.write_text(json.dumps(about | {"points": points}, indent=2) + "\n")
            print(f"{axis} {value}: {found['ms']:.1f} ms, {found['gflop']:.2f} GFLOP", flush=True)
    draw(points, given.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
