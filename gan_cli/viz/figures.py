"""Figures on canvases of their own, never through pyplot, which keeps global state."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = ("#1f77b4", "#e4572e", "#2a9d5c", "#8e5ea2", "#c69214", "#5b6770", "#d26aa8", "#17a2b8")
FAKE, REAL, QUIET = "#d1495b", "#5f5f5f", "#64748b"


def empty_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches of 100 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # takes a second: when needed
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def render(figure: "Figure") -> Tensor:
    """What is on it, uint8 [3, H, W]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    width, height = canvas.get_width_height()
    rgba = torch.frombuffer(bytearray(canvas.buffer_rgba()), dtype=torch.uint8)
    return rgba.view(height, width, 4)[..., :3].permute(2, 0, 1).contiguous()  # -> [3, H, W]
