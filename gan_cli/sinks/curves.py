"""curves.png: every curve of a run on one page."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from gan_cli.sinks.sink import FinalSink, Run
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.viz import images as pictures
from gan_cli.viz.charts import Curve, Panel, curves


class Curves(FinalSink):
    """Drawn once, when the run closes, from metrics.jsonl: a resumed run's show all of it.

    Args:
        path: the picture.
        metrics: metrics.jsonl.
        tensorboard: also gets it.
    """

    def __init__(self, path: Path, metrics: Path, tensorboard: TensorBoard) -> None:
        super().__init__()
        self.path, self.metrics, self.tensorboard = path, metrics, tensorboard

    def write(self, run: Run) -> None:
        """Draw what there is."""
        panels = list(arrange(read_curves(self.metrics)))
        if not panels:
            return
        image = curves(panels)
        self.tensorboard.show("curves", image, run.step)
        pictures.save_png(image, self.path)


def read_curves(path: Path) -> dict[str, Curve]:
    """Every scalar of a metrics.jsonl by name; none where there is no such file.

    Where a run went back to a checkpoint, what came of it counts, not what it left behind. A line
    cut short by a crash and a scalar that is never finite are left out.
    """
    lines: list[dict[str, float]] = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
            while lines and lines[-1]["step"] >= line["step"]:
                lines.pop()
            lines.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    found: dict[str, tuple[list[int], list[float]]] = {}
    for line in lines:
        for name, value in line.items():
            if "/" in name and isinstance(value, int | float):
                steps, values = found.setdefault(name, ([], []))
                steps.append(int(line["step"]))
                values.append(value)
    return {
        name: Curve(steps, values)
        for name, (steps, values) in found.items()
        if any(math.isfinite(value) for value in values)
    }


def arrange(found: dict[str, Curve]) -> Iterator[Panel]:
    """Curves on panels: those of one scale together, each measure of quality on its own."""
    shares = {n: c for n, c in found.items() if n.startswith("health/") and _is_share(c)}
    for title, label, names, log in (
        ("Losses", "loss", "loss/", False),
        ("Scores of D", "mean logit", "score/", False),
        ("Gradients", "norm", "grad_norm/", True),
    ):
        yield from _panel(title, label, names, found, log)
    for name, curve in found.items():
        if name.startswith(("metric/", "health/")) and name not in shares:
            yield Panel(name, "", {name: curve})
    if shares:
        yield Panel("Health", "share", _named(shares, "health/"), limits=(-0.03, 1.03))


def _panel(
    title: str, label: str, prefix: str, found: dict[str, Curve], log: bool
) -> Iterator[Panel]:
    """One panel of what begins with `prefix`, if anything does."""
    chosen = _named(found, prefix)
    if chosen:
        yield Panel(title, label, chosen, log)


def _named(found: dict[str, Curve], prefix: str) -> dict[str, Curve]:
    """Those that begin with `prefix`, without it: `loss/D/adversarial` is `D adversarial`."""
    return {
        name.removeprefix(prefix).replace("/", " "): curve
        for name, curve in found.items()
        if name.startswith(prefix)
    }


def _is_share(curve: Curve) -> bool:
    return all(0.0 <= value <= 1.0 for value in curve.values if math.isfinite(value))
