"""Curves on panels."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_cli.viz.charts import LINE, PANEL, Curve, Panel, curves, running_mean, spread

LEFT, RIGHT = round(17 * PANEL[0]), round(73 * PANEL[0])


def inside(image: Tensor) -> Tensor:
    """What is within the axes of one panel, [3, H, W], int32."""
    return image.int()[:, 45:-60, LEFT + 2 : RIGHT - 2]


def beside(image: Tensor) -> Tensor:
    """What is right of them."""
    return image.int()[:, :, RIGHT + 4 :]


def test_names_stand_beside_where_their_curves_end() -> None:
    """In the curves' colors, D's above G's as the curves are; nothing covers the curves."""
    found = {"G": Curve([1, 2], [0, 0], color=1), "D": Curve([1, 2], [1, 1], color=0)}
    image = beside(curves([Panel("", "", found, limits=(-1, 2))]))
    blue = ((image[2] - image[0]) > 100).any(1).nonzero().float()
    red = ((image[0] - image[2]) > 100).any(1).nonzero().float()
    height = PANEL[1] * 100 * 0.68
    assert blue.mean() == pytest.approx(red.mean() - height / 3, abs=5)


def test_held_out_reals_are_a_dashed_line_with_its_name() -> None:
    found = {"metric/fid": Curve([1, 2], [5, 5])}
    bare, drawn = (
        curves([Panel("metric/fid", "", found, limits=(0, 10), baseline=baseline)])
        for baseline in (None, 2.0)
    )
    row = (inside(bare) != inside(drawn)).any(0).any(1).nonzero().flatten()
    assert len(row) <= 3
    across = (inside(bare) != inside(drawn)).any(0)[row[1]]
    assert 0.4 < across.float().mean() < 0.9  # dashes
    assert (beside(bare) == 255).all()
    assert (beside(drawn) < 255).any()


def test_those_of_one_color_have_styles() -> None:
    whole, dashed = (
        curves([Panel("", "", {"D": Curve(range(30), [0] * 30, 0, style)}, limits=(-1, 1))])
        for style in (0, 1)
    )
    ink = [(inside(image)[2] - inside(image)[0] > 100).sum() for image in (whole, dashed)]
    assert ink[1] < 0.9 * ink[0]


@pytest.mark.parametrize(
    "heights", [[0.5], [0.5, 0.5, 0.5], [0.0, 0.01, 1.0, 0.99], [2.0, -1.0], [0.9] * 9, []]
)
def test_names_do_not_cover_each_other(heights: list[float]) -> None:
    placed = spread(heights, LINE)
    order = sorted(range(len(heights)), key=lambda n: heights[n])
    for below, above in itertools.pairwise(order):
        assert placed[above] - placed[below] > LINE - 1e-9
    assert all(-1e-9 <= height <= 1 + 1e-9 for height in placed)


def test_names_with_room_stay_where_they_are() -> None:
    assert spread([0.2, 0.9, 0.5], LINE) == pytest.approx([0.2, 0.9, 0.5])


def test_a_curve_may_choose_its_color_and_no_other_takes_it() -> None:
    chosen = {"r1": Curve([1, 2], [0, 0]), "adversarial": Curve([1, 2], [1, 1], color=0)}
    image = inside(curves([Panel("", "", chosen, limits=(-1, 2))]))
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
    blue = (inside(image)[2] - inside(image)[0]) > 100  # [H, W]
    rows = blue.nonzero()[:, 0].float()
    left, right = blue.nonzero()[:, 1] < 80, blue.nonzero()[:, 1] > 160
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
    image = inside(curves([panel(*[i % 2 for i in range(50_000)], limits=(0, 1))]))
    rows = ((image[2] - image[0]) > 30)[20:-20].any(1).nonzero()
    assert rows.max() - rows.min() < 10
