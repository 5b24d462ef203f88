"""Signs of health against numbers worked out by hand."""

import math

import pytest
import torch

from gan_cli.health.signals import divergence_bound, diversity, overfitting, swing
from gan_cli.losses import accuracy


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


def test_overfitting_is_the_share_of_the_gap_that_held_out_pictures_do_not_show() -> None:
    """(3 - 1) / (3 - -1): half of what D knows it knows of its training pictures alone."""
    real, held_out, fake = torch.tensor([2.0, 4.0]), torch.tensor([1.0]), torch.tensor([-1.0])
    assert float(overfitting(real, held_out, fake)) == 0.5
    assert float(overfitting(real, real, fake)) == 0
    assert float(overfitting(real, fake, fake)) == 1


def test_the_divergence_is_zero_at_equilibrium_and_log_2_where_d_is_never_wrong() -> None:
    assert divergence_bound(math.log(4)) == 0
    assert divergence_bound(2.0) == 0  # worse than chance bounds nothing
    assert divergence_bound(0.0) == pytest.approx(math.log(2))


def test_a_swing_is_what_is_left_of_a_series_without_its_trend() -> None:
    assert swing([1.0, 2.0]) == 0
    assert swing([1.0, 2.0, 3.0, 4.0]) == pytest.approx(0, abs=1e-12)
    # +1 -1 -1 +1 has no trend: mean square 4 / 3
    assert swing([11.0, 9.0, 9.0, 11.0]) == pytest.approx(math.sqrt(4 / 3))
