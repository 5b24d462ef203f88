"""curves.png: every curve of a run on one page."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from gan_cli.comparison.curves import Series, read_curves
from gan_cli.metrics.values import HELD_OUT, better
from gan_cli.sinks.sink import FinalSink, Run
from gan_cli.viz.charts import Curve, Panel, curves
from gan_cli.viz.images import save_png

GRAY = 5
SHARE = (-0.03, 1.03)
SHARED: tuple[tuple[str, str, str, bool, tuple[float, float] | None], ...] = (
    ("Losses", "loss", "loss/", False, None),
    ("Scores of D", "mean logit", "score/", False, None),
    ("Gradients", "norm", "grad_norm/", True, None),
    ("D is right on", "share", "health/accuracy_", False, SHARE),
)
"""Panels that several curves share: title, unit, the beginning of their names, whether the axis is
logarithmic, and its limits."""


class Curves(FinalSink):
    """Drawn once, when the run closes, from metrics.jsonl: a resumed run's show all of it.

    TensorBoard has the same curves and shows them itself.

    Args:
        path: the image.
        metrics: metrics.jsonl.
    """

    def __init__(self, path: Path, metrics: Path) -> None:
        super().__init__()
        self.path, self.metrics = path, metrics

    def write(self, run: Run) -> None:
        """Draw what there is."""
        if panels := list(arrange(read_curves(self.metrics))):
            save_png(curves(panels), self.path)


def arrange(found: Mapping[str, Series]) -> Iterator[Panel]:
    """Curves on panels: those of one unit together, each measure of quality on its own."""
    styled = _styled(found)
    for title, label, prefix, log, limits in SHARED:
        if chosen := _named(styled, prefix):
            yield Panel(title, label, chosen, log, limits)
    for name, curve in styled.items():
        group, _, own = name.partition("/")
        if group == "metric":
            reals = found.get(HELD_OUT + own)
            yield Panel(name, _better(own), {name: curve}, baseline=reals and reals.values[-1])
        elif group == "health" and not any(name.startswith(prefix) for _, _, prefix, *_ in SHARED):
            yield Panel(name, "", {name: curve})


def _better(metric: str) -> str:
    """What to look for in a metric."""
    try:
        return f"{better(metric)} is better"
    except KeyError:
        return ""


def _styled(found: Mapping[str, Series]) -> dict[str, Curve]:
    """One color a player, of its gradient and all its losses; others of real and of fake images."""
    losses = [name for name in found if name.startswith("loss/")]
    players = list(dict.fromkeys(name.split("/")[1] for name in losses))
    colors = {
        f"{of}{kind}": len(players) + number
        for number, kind in enumerate(("real", "fake", "held_out"))
        for of in ("score/", "health/accuracy_")
    }
    styles: dict[str, int] = {}
    for color, player in enumerate(players):
        own = [name for name in losses if name.split("/")[1] == player]
        colors |= dict.fromkeys([*own, f"grad_norm/{player}"], color)
        styles |= {name: style for style, name in enumerate(own)}
    return {
        name: Curve(series.steps, series.values, colors.get(name, _own(name)), styles.get(name, 0))
        for name, series in found.items()
    }


def _own(name: str) -> int | None:
    """The color of what has a panel to itself: no player's, and nobody else's beside it."""
    return GRAY if name.startswith(("metric/", "health/")) else None


def _named(found: Mapping[str, Curve], prefix: str) -> dict[str, Curve]:
    """Those that begin with `prefix`, without it: `loss/D/adversarial` is `D adversarial`."""
    return {
        name.removeprefix(prefix).replace("/", " ").replace("_", " "): curve
        for name, curve in found.items()
        if name.startswith(prefix)
    }
