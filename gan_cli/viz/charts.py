"""Curves over a run, as small multiples."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from gan_cli.viz.figures import COLORS, QUIET, empty_figure, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL = (4.6, 3.0)
"""Width and height of one panel of curves, in inches of 100 pixels."""
STYLES = ("-", "--", ":", "-.")
BASELINE = "held-out reals"
LINE = 0.085
"""Height of a name beside a curve, as a part of its panel's."""
FEW = 20
"""Up to so many values of a curve are marked one by one."""
MANY = 200
"""From so many values on, a curve is drawn pale, under its running mean."""
MOST = 1000
"""Of a curve with more values, means of neighbours are drawn: a panel has fewer pixels."""


@dataclass(frozen=True)
class Curve:
    """One scalar over a run: `values` [K] at `steps` [K]; what is not finite leaves a gap.

    With a `color`, a number of `COLORS`, it looks the same on every panel; `style`, a number of
    `STYLES`, tells apart those of one color.
    """

    steps: Sequence[int]
    values: Sequence[float]
    color: int | None = None
    style: int = 0


@dataclass(frozen=True)
class Panel:
    """Curves that share axes, and a unit.

    Attributes:
        title: stands above.
        label: what the y axis counts.
        curves: by the name that stands beside each.
        log: whether the y axis is logarithmic; what is not positive leaves a gap.
        limits: of the y axis, where they are known.
        baseline: what held-out real images come to, as a dashed line; None where nobody knows.
    """

    title: str
    label: str
    curves: Mapping[str, Curve]
    log: bool = False
    limits: tuple[float, float] | None = None
    baseline: float | None = None


def curves(panels: Sequence[Panel], columns: int = 3) -> Tensor:
    """Small multiples as one image, uint8 [3, H, W], `columns` panels a row.

    Raises:
        ValueError: there is no panel.
    """
    if not panels:
        raise ValueError("no panel to draw")
    across = min(columns, len(panels))
    down = math.ceil(len(panels) / across)
    figure = empty_figure(PANEL[0] * across, PANEL[1] * down)
    for number, panel in enumerate(panels):
        row, column = divmod(number, across)
        box = (column + 0.17, down - row - 1 + 0.18, 0.56, 0.68)  # in panels, from the bottom left
        axes = figure.add_axes((box[0] / across, box[1] / down, box[2] / across, box[3] / down))
        _draw_panel(axes, panel)
    return render(figure)


def _draw_panel(axes: "Axes", panel: Panel) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    free = [n for n in range(len(COLORS)) if n not in {c.color for c in panel.curves.values()}]
    others = itertools.cycle(free or range(len(COLORS)))
    ends: list[tuple[str, float, str]] = []
    for name, curve in panel.curves.items():
        steps, values = np.asarray(curve.steps), np.asarray(curve.values, dtype=float)
        values = np.where(np.isfinite(values) & ((values > 0) | (not panel.log)), values, np.nan)
        if len(values) > MOST:
            group = math.ceil(len(values) / MOST)
            steps, values = (
                steps[group // 2 :: group],
                running_mean(values, group)[group // 2 :: group],
            )
        color = COLORS[next(others) if curve.color is None else curve.color % len(COLORS)]
        if len(values) >= MANY:
            axes.plot(steps, values, color=color, alpha=0.3, linewidth=0.8)
            values = running_mean(values, width=len(values) // 50)
        marker = "." if len(values) <= FEW else None
        style = STYLES[curve.style % len(STYLES)]
        axes.plot(steps, values, style, color=color, linewidth=1.3, marker=marker)
        if there := values[np.isfinite(values)].tolist():
            ends.append((name, there[-1], color))
    if panel.baseline is not None and math.isfinite(panel.baseline):
        axes.axhline(panel.baseline, color=QUIET, linewidth=1.0, linestyle="--")
        ends.append((BASELINE, panel.baseline, QUIET))
    axes.set_title(panel.title, fontsize=11)
    axes.set_xlabel("step", fontsize=9)
    axes.set_ylabel(panel.label, fontsize=9)
    axes.tick_params(labelsize=8, which="both")
    axes.grid(alpha=0.25)
    if panel.log:
        axes.set_yscale("log")
    if panel.limits is not None:
        axes.set_ylim(*panel.limits)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 250k
    if list(panel.curves) == [panel.title]:
        ends = [end for end in ends if end[0] != panel.title]
    _name(axes, ends)


def _name(axes: "Axes", ends: Sequence[tuple[str, float, str]]) -> None:
    """Put names, in the colors of their curves, right of where these end."""
    axes.get_ylim()  # settles them; until then nothing has its place
    inside = axes.transData + axes.transAxes.inverted()
    heights = [float(inside.transform((1.0, value))[1]) for _, value, _ in ends]
    for (name, _, color), height in zip(ends, spread(heights, LINE), strict=True):
        axes.text(
            *(1.03, height, name), color=color, fontsize=8, va="center", transform=axes.transAxes
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Heights in [0, 1], moved as little as it takes for all to be `gap` apart."""
    order = sorted(range(len(heights)), key=lambda n: heights[n])
    clipped = [min(max(heights[n], 0.0), 1.0) for n in order]
    # each run of neighbours that are too close is put around its own middle
    groups: list[list[float]] = []
    for height in clipped:
        groups.append([height])
        while len(groups) > 1 and _low(groups[-1], gap) < _high(groups[-2], gap) + gap:
            groups[-2:] = [[*groups[-2], *groups[-1]]]
    placed = [_low(group, gap) + gap * n for group in groups for n in range(len(group))]
    found = dict(zip(order, placed, strict=True))
    return [found[n] for n in range(len(heights))]


def _low(group: Sequence[float], gap: float) -> float:
    """Where the lowest of a group comes to stand: in [0, 1] with all above it, if that can be."""
    reach = gap * (len(group) - 1)
    return max(min(sum(group) / len(group) - reach / 2, 1.0 - reach), 0.0)


def _high(group: Sequence[float], gap: float) -> float:
    return _low(group, gap) + gap * (len(group) - 1)


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over `width` values around each of `values` [K]; gaps (NaN) count for nothing."""
    there = np.isfinite(values)
    window = np.ones(width)
    count = np.convolve(there, window, mode="same")
    total = np.convolve(np.where(there, values, 0.0), window, mode="same")
    return np.where(there, total / np.maximum(count, 1.0), np.nan)
