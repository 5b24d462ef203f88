"""Scatter plots over a surface."""

import math

import pytest
import torch
from torch import Tensor

from gan_cli.viz.plane import BOTTOM, LEFT, RIGHT, TOP, scatter

NOWHERE = torch.full((1, 2, 1, 1), 9.0)  # outside of what is shown


def square(image: Tensor) -> Tensor:
    """What is within the axes."""
    return image[:, TOP:-BOTTOM, LEFT:-RIGHT]


def mean_color(image: Tensor) -> list[float]:
    return image.float().mean((1, 2)).tolist()


def test_green_is_real_and_brown_is_fake() -> None:
    """D says real in the upper half, whose row comes last."""
    surface = torch.tensor([[-0.9, -0.9], [0.9, 0.9]])
    image = square(scatter(NOWHERE, surface=surface, size=100))
    red, _, blue = mean_color(image[:, 2:20])
    assert blue > red + 20
    red, _, blue = mean_color(image[:, -20:-2])
    assert red > blue + 20


def test_points_are_where_they_belong() -> None:
    """x to the right, y up."""
    image = square(scatter(torch.tensor([[0.5, 0.75]]).view(1, 2, 1, 1), size=200)).int()
    red = ((image[0] - image[1]) > 60).nonzero().float().mean(0)
    assert red.tolist() == pytest.approx([100 - 100 * 0.75 / 1.1, 100 + 100 * 0.5 / 1.1], abs=1.5)


def test_where_d_cannot_tell_there_is_a_line() -> None:
    x = torch.linspace(-1, 1, 64).expand(64, 64)
    image = square(scatter(NOWHERE, surface=x, size=100)).float().mean(0)  # [H, W]
    assert abs(int(image[35, 20:80].argmin()) + 20 - 50) <= 1
    assert image[35, 20:80].min() < 160


@pytest.mark.parametrize("value", [0.5, 0.0, math.nan])
def test_a_surface_without_a_border_is_drawn(value: float) -> None:
    image = scatter(NOWHERE, surface=torch.full((4, 4), value), size=60)
    assert image.shape == (3, TOP + 60 + BOTTOM, LEFT + 60 + RIGHT)


def test_reals_are_seen_on_the_surface() -> None:
    real = torch.tensor([[-0.5, 0.0]]).view(1, 2, 1, 1)
    surface = torch.full((4, 4), 0.9)
    bare, drawn = (
        square(scatter(NOWHERE, points, surface, size=200)) for points in (NOWHERE, real)
    )
    differs = (bare != drawn).any(0).nonzero().float().mean(0)
    assert differs.tolist() == pytest.approx([100, 100 - 100 * 0.5 / 1.1], abs=1.5)


def test_the_caption_and_the_legend_stand_above_the_points() -> None:
    """And numbers left of them and below: nothing but points is in the square."""
    real = torch.rand(50, 2, 1, 1)
    plain, said = (scatter(NOWHERE, real, caption=caption) for caption in ("", "step 7"))
    assert torch.equal(square(plain), square(said))
    assert torch.equal(plain[:, TOP:], said[:, TOP:])
    assert (said[:, : TOP // 2] < 128).any()
    assert (plain[:, : TOP // 2] == 255).all()
    legend = plain[:, TOP // 2 : TOP - 2, LEFT:]
    assert (legend < 128).any()
    assert (plain[:, TOP:-BOTTOM, : LEFT - 2] < 128).any()
    assert (plain[:, 4 - BOTTOM :] < 128).any()


def test_the_legend_names_what_is_drawn() -> None:
    widths = []
    for options in ({}, {"real": NOWHERE}, {"real": NOWHERE, "surface": torch.zeros(4, 4)}):
        legend = scatter(NOWHERE, **options)[:, TOP // 2 : TOP - 2]  # type: ignore[arg-type]
        widths.append(int((legend < 200).any(0).any(0).nonzero().max()))
    assert widths == sorted(set(widths))
