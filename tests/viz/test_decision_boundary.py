"""What D makes of the plane."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_cli.viz.decision_boundary import BUDGET, RESOLUTION, decision_surface

NONE = torch.zeros(8, 2, 1, 1)


def of(score: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Logits that are a function of x [N] and y [N]."""
    return lambda points: score(*points.flatten(1).unbind(1))


def test_rows_go_up_and_columns_to_the_right() -> None:
    rising = decision_surface(of(lambda x, y: y), NONE, NONE, 0.0)
    assert rising is not None
    assert rising.shape == (RESOLUTION, RESOLUTION)
    assert rising[-1, 0] > 0.5 > -0.5 > rising[0, 0]
    assert torch.equal(rising[:, 0], rising[:, -1])
    rightward = decision_surface(of(lambda x, y: x), NONE, NONE, 0.0)
    assert rightward is not None
    assert rightward[0, -1] > 0.5 > -0.5 > rightward[0, 0]


def test_a_d_that_cannot_tell_is_at_zero_and_one_with_a_margin_near_one() -> None:
    for logit, value in ((0.5, 0.0), (1.0, math.tanh(1.0)), (-9.0, -1.0)):
        constant = torch.full((RESOLUTION**2,), logit)
        surface = decision_surface(lambda points: constant[: len(points)], NONE, NONE, 0.5, 0.5)  # noqa: B023
        assert surface is not None
        assert surface.flatten().tolist() == pytest.approx([value] * RESOLUTION**2, abs=1e-6)


def test_logits_without_a_threshold_are_centred_between_real_and_fake() -> None:
    """A critic 100 + x of reals at x = 1 and fakes at x = 0 cannot tell at x = 0.5."""
    real = torch.tensor([1.0, 0.0]).expand(8, 2)[..., None, None]
    surface = decision_surface(of(lambda x, y: 100.0 + x), real, NONE, None)
    assert surface is not None
    border = int((surface[0] > 0).nonzero()[0])
    assert ((border / RESOLUTION) * 2 - 1) * 1.1 == pytest.approx(0.5, abs=0.05)


def test_many_evaluations_a_point_make_it_coarser() -> None:
    asked = []

    def count(points: Tensor) -> Tensor:
        asked.append(len(points))
        return points[:, 0, 0, 0]

    surface = decision_surface(count, NONE, NONE, 0.0, evaluations=25)
    assert surface is not None
    assert surface.shape == (40, 40)
    assert 25 * sum(asked) <= BUDGET + 25 * 9


def test_a_d_that_compares_has_no_surface() -> None:
    points = torch.randn(8, 2, 1, 1, generator=torch.Generator().manual_seed(0))
    compares = of(lambda x, y: x - x.mean())
    assert decision_surface(compares, points, points, 0.0) is None
