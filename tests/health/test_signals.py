"""Signs of health against numbers worked out by hand."""

import math

import pytest
import torch

from gan_cli.games.losses import accuracy
from gan_cli.health.signals import divergence_bound, diversity, oscillation, overfitting, uniqueness


def test_accuracy_counts_what_lies_on_the_right_side() -> None:
    score = torch.tensor([-1.0, 0.2, 0.6, 3.0])
    assert accuracy(score, 0.0, real=True) == 0.75
    assert accuracy(score, 0.0, real=False) == 0.25
    assert accuracy(score, 0.5, real=True) == 0.5


def test_diversity_is_the_ratio_of_root_mean_squared_distances() -> None:
    draw = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(20, 1, 4, 4, generator=draw) for _ in range(2))

    def spread(x: torch.Tensor) -> float:
        return float(torch.pdist(x.flatten(1)).square().mean().sqrt())

    expected = spread(fake) / spread(real)
    assert float(diversity(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert float(diversity(real, real)) == 1
    assert float(diversity(real, fake[:1].expand(20, 1, 4, 4))) == pytest.approx(0, abs=1e-5)


def test_uniqueness_sees_copies_that_are_far_apart() -> None:
    """Reals at 0, 1, 3, 6, 10 have others 1, 1, 2, 3 and 4 away; of the fakes just one, 1/2."""
    real, few = (
        torch.tensor(numbers).view(-1, 1, 1, 1)
        for numbers in ([0.0, 1.0, 3.0, 6.0, 10.0], [0.0, 0.0, 9.0, 9.0, 9.5])
    )
    assert float(uniqueness(real, few)) == pytest.approx((0.5 / 5) / (11 / 5))
    assert float(uniqueness(real, real)) == 1
    assert float(diversity(real, few)) > 1


def test_overfitting_is_how_often_an_image_that_was_trained_on_scores_higher() -> None:
    """Of six pairs 3 is the larger in two, 1 in one and equal in one, -1 in none: 3 - 2 of 6."""
    real, held_out = torch.tensor([3.0, 1.0, -1.0]), torch.tensor([1.0, 0.0])
    assert float(overfitting(real, held_out)) == pytest.approx((2 + 1 - 2) / 6)
    assert float(overfitting(real, real)) == 0
    assert float(overfitting(real + 9, held_out)) == 1


def test_the_divergence_is_zero_at_equilibrium_and_log_2_where_d_is_never_wrong() -> None:
    assert divergence_bound(math.log(4)) == 0
    assert divergence_bound(2.0) == 0  # worse than chance bounds nothing
    assert divergence_bound(0.0) == pytest.approx(math.log(2))


def test_an_oscillation_is_what_is_left_of_a_series_without_its_trend() -> None:
    assert oscillation([1.0, 2.0]) == 0
    assert oscillation([1.0, 2.0, 3.0, 4.0]) == pytest.approx(0, abs=1e-12)
    # +1 -1 -1 +1 has no trend: mean square 4 / 3
    assert oscillation([11.0, 9.0, 9.0, 11.0]) == pytest.approx(math.sqrt(4 / 3))
