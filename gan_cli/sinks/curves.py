"""curves.png: every curve of a run on one page."""

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

from gan_cli.sinks.sink import FinalSink, Run
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.viz.charts import Curve, Panel, curves
from gan_cli.viz.images import save_png


class Curves(FinalSink):
    """Drawn once, when the run closes, from metrics.jsonl: a resumed run's show all of it.

    Args:
        path: the image.
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
        save_png(image, self.path)


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
    found = _colored(found)
    fractions = {n: c for n, c in found.items() if n.startswith("health/") and _is_fraction(c)}
    for title, label, prefix, log in (
        ("Losses", "loss", "loss/", False),
        ("Scores of D", "mean logit", "score/", False),
        ("Gradients", "norm", "grad_norm/", True),
    ):
        if chosen := _named(found, prefix):
            yield Panel(title, label, chosen, log)
    for name, curve in found.items():
        if name.startswith(("metric/", "health/")) and name not in fractions:
            yield Panel(name, "", {name: curve})
    if fractions:
        yield Panel("Health", "fraction", _named(fractions, "health/"), limits=(-0.03, 1.03))


def _colored(found: dict[str, Curve]) -> dict[str, Curve]:
    """One color a player, of its gradient and its first loss; scores have others."""
    losses = [name for name in found if name.startswith("loss/")]
    players = list(dict.fromkeys(name.split("/")[1] for name in losses))
    colors = {"score/real": len(players), "score/fake": len(players) + 1}
    for color, player in enumerate(players):
        colors[next(name for name in losses if name.split("/")[1] == player)] = color
        colors[f"grad_norm/{player}"] = color
    return {n: dataclasses.replace(c, color=colors.get(n)) for n, c in found.items()}


def _named(found: dict[str, Curve], prefix: str) -> dict[str, Curve]:
    """Those that begin with `prefix`, without it: `loss/D/adversarial` is `D adversarial`."""
    return {
        name.removeprefix(prefix).replace("/", " "): curve
        for name, curve in found.items()
        if name.startswith(prefix)
    }


def _is_fraction(curve: Curve) -> bool:
    return all(0.0 <= value <= 1.0 for value in curve.values if math.isfinite(value))
