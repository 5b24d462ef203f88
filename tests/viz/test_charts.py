"""Scatter plots over a surface, curves on panels."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_cli.viz.charts import PANEL, Curve, Panel, curves, running_mean, scatter

NOWHERE = torch.full((1, 2, 1, 1), 9.0)  # outside of what is shown


def mean_color(image: Tensor) -> list[float]:
    return image.float().mean((1, 2)).tolist()


def test_green_is_real_and_brown_is_fake() -> None:
    """D says real in the upper half, whose row comes last."""
    surface = torch.tensor([[-0.9, -0.9], [0.9, 0.9]])
    image = scatter(NOWHERE, surface=surface, size=100)
    red, _, blue = mean_color(image[:, :20])
    assert blue > red + 20
    red, _, blue = mean_color(image[:, -20:])
    assert red > blue + 20


def test_points_are_where_they_belong() -> None:
    """x to the right, y up."""
    image = scatter(torch.tensor([[0.5, 0.75]]).view(1, 2, 1, 1), size=200).int()
    red = ((image[0] - image[1]) > 60).nonzero().float().mean(0)
    assert red.tolist() == pytest.approx([100 - 100 * 0.75 / 1.1, 100 + 100 * 0.5 / 1.1], abs=1.5)


def test_where_d_cannot_tell_there_is_a_line() -> None:
    x = torch.linspace(-1, 1, 64).expand(64, 64)
    image = scatter(NOWHERE, surface=x, size=100).float().mean(0)  # [H, W]
    assert abs(int(image[35, 20:80].argmin()) + 20 - 50) <= 1  # between the ticks
    assert image[35, 20:80].min() < 160


@pytest.mark.parametrize("value", [0.5, 0.0, math.nan])
def test_a_surface_without_a_border_is_drawn(value: float) -> None:
    assert scatter(NOWHERE, surface=torch.full((4, 4), value), size=60).shape == (3, 60, 60)


def test_reals_are_seen_on_the_surface() -> None:
    real = torch.tensor([[-0.5, 0.0]]).view(1, 2, 1, 1)
    surface = torch.full((4, 4), 0.9)
    bare, drawn = (scatter(NOWHERE, points, surface, size=200) for points in (NOWHERE, real))
    differs = (bare != drawn).any(0).nonzero().float().mean(0)
    assert differs.tolist() == pytest.approx([100, 100 - 100 * 0.5 / 1.1], abs=1.5)


def test_a_curve_may_choose_its_color_and_no_other_takes_it() -> None:
    chosen = {"r1": Curve([1, 2], [0, 0]), "adversarial": Curve([1, 2], [1, 1], color=0)}
    image = curves([Panel("", "", chosen, limits=(-1, 2))]).int()[:, 60:-60, 100:-40]  # the axes
    blue = ((image[2] - image[0]) > 100).any(1).nonzero()
    red = ((image[0] - image[2]) > 100).any(1).nonzero()
    assert len(blue)
    assert len(red)
    assert blue.max() < red.min(), "blue is above red"


def panel(*values: float, **options: object) -> Panel:
    return Panel("Losses", "loss", {"D": Curve(range(len(values)), values)}, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (4, 3, 2)])
def test_panels_stand_in_rows_of_three(count: int, columns: int, rows: int) -> None:
    image = curves([panel(1, 2, 3)] * count)
    assert image.dtype == torch.uint8
    assert image.shape == (3, round(100 * PANEL[1] * rows), round(100 * PANEL[0] * columns))


def test_a_curve_goes_up() -> None:
    """In D's blue, from the lower left to the upper right."""
    image = curves([panel(*range(50))]).int()
    blue = ((image[2] - image[0]) > 100)[60:-60, 90:]  # [H, W], within the axes
    rows = blue.nonzero()[:, 0].float()
    left, right = blue.nonzero()[:, 1] < 100, blue.nonzero()[:, 1] > 200
    assert rows[left].mean() > rows[right].mean() + 50


@pytest.mark.parametrize(
    "values",
    [
        [math.nan, 1.0, math.inf],
        [math.nan] * 300,
        [0.0, -1.0, 0.0],
        [1e38, -1e38],
        [2.0],
        [1.0] * 5,
    ],
)
@pytest.mark.parametrize("log", [False, True])
def test_any_values_can_be_drawn(values: list[float], log: bool) -> None:
    curves([panel(*values, log=log)])


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no panel"):
        curves([])


def test_the_running_mean_keeps_gaps_and_the_level() -> None:
    mean = running_mean(np.array([3.0, 3.0, np.nan, 3.0, 9.0]), width=3)
    assert mean[:2].tolist() == [3.0, 3.0]
    assert np.isnan(mean[2])
    assert mean[3:].tolist() == [6.0, 6.0]


def test_long_curves_show_means_of_neighbours() -> None:
    """Alternating 0 and 1, 50,000 times, look like 0.5."""
    image = curves([panel(*[i % 2 for i in range(50_000)], limits=(0, 1))]).int()
    rows = ((image[2] - image[0]) > 30)[80:-60].any(1).nonzero()  # below the legend
    assert rows.max() - rows.min() < 10
