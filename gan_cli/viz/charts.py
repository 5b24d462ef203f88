"""Charts: points in the plane, curves over a run.

Figures are drawn on canvases of their own, never through pyplot, which keeps global state.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REACH = 1.1
"""Scatter plots show the square [-REACH, REACH]^2."""
TICKS = (-0.5, 0.0, 0.5)

COLORS = ("#1f77b4", "#e4572e", "#2a9d5c", "#8e5ea2", "#c69214", "#5b6770", "#d26aa8", "#17a2b8")
PANEL = (4.2, 3.0)
"""Width and height of one panel of curves, in inches of 100 pixels."""
FEW = 20
"""Up to so many values of a curve are marked one by one."""
MANY = 200
"""From so many values on, a curve is drawn pale, under its running mean."""
MOST = 1000
"""Of a curve with more values, means of neighbours are drawn: a panel has fewer pixels."""


@dataclass(frozen=True)
class Curve:
    """One scalar over a run: `values` [K] at `steps` [K]; what is not finite leaves a gap.

    With a `color`, a number of `COLORS`, it looks the same on every panel.
    """

    steps: Sequence[int]
    values: Sequence[float]
    color: int | None = None


@dataclass(frozen=True)
class Panel:
    """Curves that share axes.

    Attributes:
        title: stands above.
        label: what the y axis counts.
        curves: by the name in the legend.
        log: whether the y axis is logarithmic; what is not positive leaves a gap.
        limits: of the y axis, where they are known.
    """

    title: str
    label: str
    curves: Mapping[str, Curve]
    log: bool = False
    limits: tuple[float, float] | None = None


def scatter(
    points: Tensor, real: Tensor | None = None, surface: Tensor | None = None, size: int = 480
) -> Tensor:
    """Points [N, 2, 1, 1] in [-1, 1] over real ones, as an image uint8 [3, size, size].

    Args:
        points: drawn in red.
        real: drawn in gray underneath.
        surface: how real D takes the cells of [-REACH, REACH]^2 to be, [R, R] in [-1, 1], rows from
            the bottom up, as shading: green where D says real, brown where it says fake, a line
            at 0.
        size: in pixels.
    """
    figure = _figure(size / 100, size / 100)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=TICKS, yticks=TICKS)
    axes.tick_params("x", direction="in", pad=-14, labelsize=7)
    axes.tick_params("y", direction="in", pad=-7, labelsize=7)
    for number in axes.get_yticklabels():
        number.set_horizontalalignment("left")
    if surface is not None:
        _shade(axes, surface.nan_to_num())
    shade = "#b8b8b8" if surface is None else "#5f5f5f"
    for name, cloud, color, alpha in (("real", real, shade, 1.0), ("fake", points, "#d1495b", 0.6)):
        if cloud is not None:
            x, y = cloud.flatten(1).cpu().unbind(1)  # [N, 2, 1, 1] -> [N], [N]
            axes.scatter(x, y, s=6, color=color, alpha=alpha, linewidths=0, label=name)
    if real is not None:
        axes.legend(loc="upper right", fontsize=8, markerscale=2.5, framealpha=0.7)
    return _render(figure)


def _shade(axes: "Axes", surface: Tensor) -> None:
    corners = (-REACH, REACH, -REACH, REACH)
    axes.imshow(
        surface.numpy(),
        extent=corners,
        origin="lower",
        cmap="BrBG",
        vmin=-2.2,  # the ends of the scale are too dark to draw points on
        vmax=2.2,
        interpolation="bilinear",
    )
    if surface.min() < 0.0 < surface.max():
        axes.contour(
            surface.numpy(), [0.0], extent=corners, origin="lower", colors="#555555", linewidths=0.8
        )


def curves(panels: Sequence[Panel], columns: int = 3) -> Tensor:
    """Small multiples as one image, uint8 [3, H, W], `columns` panels a row.

    Raises:
        ValueError: there is no panel.
    """
    if not panels:
        raise ValueError("no panel to draw")
    across = min(columns, len(panels))
    down = math.ceil(len(panels) / across)
    figure = _figure(PANEL[0] * across, PANEL[1] * down)
    for number, panel in enumerate(panels):
        row, column = divmod(number, across)
        box = (column + 0.16, down - row - 1 + 0.18, 0.8, 0.68)  # in panels, from the bottom left
        axes = figure.add_axes((box[0] / across, box[1] / down, box[2] / across, box[3] / down))
        _draw_panel(axes, panel)
    return _render(figure)


def _draw_panel(axes: "Axes", panel: Panel) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    free = [n for n in range(len(COLORS)) if n not in {c.color for c in panel.curves.values()}]
    others = itertools.cycle(free or range(len(COLORS)))
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
        axes.plot(steps, values, color=color, linewidth=1.3, marker=marker, label=name)
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
    if list(panel.curves) != [panel.title]:
        axes.legend(fontsize=8, framealpha=0.7)


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over `width` values around each of `values` [K]; gaps (NaN) count for nothing."""
    there = np.isfinite(values)
    window = np.ones(width)
    count = np.convolve(there, window, mode="same")
    total = np.convolve(np.where(there, values, 0.0), window, mode="same")
    return np.where(there, total / np.maximum(count, 1.0), np.nan)


def _figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches of 100 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # takes a second: when needed
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def _render(figure: "Figure") -> Tensor:
    """What is on it, uint8 [3, H, W]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    width, height = canvas.get_width_height()
    rgba = torch.frombuffer(bytearray(canvas.buffer_rgba()), dtype=torch.uint8)
    return rgba.view(height, width, 4)[..., :3].permute(2, 0, 1).contiguous()  # -> [3, H, W]
