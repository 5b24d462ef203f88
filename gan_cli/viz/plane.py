"""Points in the plane, over what D makes of it."""

from typing import TYPE_CHECKING

from torch import Tensor

from gan_cli.viz.figures import FAKE, REAL, empty_figure, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH = 1.1
"""Scatter plots show the square [-REACH, REACH]^2."""
TICKS = (-1.0, -0.5, 0.0, 0.5, 1.0)
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 44, 36
"""Pixels around the square, for its axes, its caption and its legend."""
SHADES = {"D: fake": "#ecdcb4", "D: real": "#bfe3de"}
"""About what the ends of the shading look like."""


def scatter(
    points: Tensor,
    real: Tensor | None = None,
    surface: Tensor | None = None,
    caption: str = "",
    size: int = 480,
) -> Tensor:
    """Points [N, 2, 1, 1] in [-1, 1] over real ones, as an image uint8 [3, H, W].

    Args:
        points: drawn in red.
        real: drawn in gray underneath.
        surface: how real D takes the cells of [-REACH, REACH]^2 to be, [R, R] in [-1, 1], rows from
            the bottom up, as shading: green where D says real, brown where it says fake, a line
            at 0.
        caption: stands above, as the step does.
        size: of the square, in pixels; `LEFT` to `BOTTOM` come on top of it.
    """
    width, height = LEFT + size + RIGHT, TOP + size + BOTTOM
    figure = empty_figure(width / 100, height / 100)
    axes = figure.add_axes((LEFT / width, BOTTOM / height, size / width, size / height))
    axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=TICKS, yticks=TICKS)
    axes.set_xlabel("x", fontsize=9, labelpad=1)
    axes.set_ylabel("y", fontsize=9, labelpad=-2, rotation=0)
    axes.tick_params(labelsize=8)
    if surface is not None:
        _shade(axes, surface.nan_to_num())
    shade = "#b8b8b8" if surface is None else REAL
    for name, cloud, color, alpha in (("real", real, shade, 1.0), ("fake", points, FAKE, 0.6)):
        if cloud is not None:
            x, y = cloud.flatten(1).cpu().unbind(1)  # [N, 2, 1, 1] -> [N], [N]
            axes.scatter(x, y, s=6, color=color, alpha=alpha, linewidths=0, label=name)
    figure.text(LEFT / width, 1 - 6 / height, caption, fontsize=10, va="top")
    handles, names = axes.get_legend_handles_labels()
    if surface is not None:
        from matplotlib.patches import Patch

        handles += [Patch(facecolor=color, edgecolor="#999999") for color in SHADES.values()]
        names += list(SHADES)
    figure.legend(
        *(handles, names),
        loc="lower left",
        bbox_to_anchor=(LEFT / width, (BOTTOM + size) / height),
        ncols=len(names),
        fontsize=8,
        markerscale=2.5,
        frameon=False,
        borderpad=0.2,
        borderaxespad=0.1,
        handletextpad=0.3,
        columnspacing=1.2,
        handlelength=1.4,
    )
    return render(figure)


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
