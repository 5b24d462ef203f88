"""How D judges the plane, and that asking changes nothing."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_cli.tricks.layers import GroupStddev
from gan_cli.viz.decision_boundary import BUDGET, RESOLUTION, decision_surface, judge

NONE = torch.zeros(8, 2, 1, 1)


class Score(nn.Module):
    """What `score` makes of x and y [N], with a weight to be found by."""

    def __init__(self, score: object) -> None:
        super().__init__()
        self.weight, self.score = nn.Parameter(torch.ones(())), score

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.score(x[:, :, 0, 0], y), x  # type: ignore[operator]


class Moody(nn.Module):
    """All that depends on the mode."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Flatten(), spectral_norm(nn.Linear(2, 4)), nn.BatchNorm1d(4), nn.Dropout(0.5)),
            nn.Linear(4, 1),
        )

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.layers(x).squeeze(1), x


def test_judging_leaves_no_trace() -> None:
    network = Moody().train()
    network.layers[2].eval()  # type: ignore[operator]
    before, modes = copy.deepcopy(network.state_dict()), [m.training for m in network.modules()]
    randomness = torch.get_rng_state()
    points = torch.randn(8, 2, 1, 1, generator=torch.Generator().manual_seed(0))
    assert decision_surface(network, 0, points, points, 0.0) is not None
    assert torch.equal(torch.get_rng_state(), randomness)
    assert [m.training for m in network.modules()] == modes
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(p.grad is None for p in network.parameters())


def test_rows_go_up_and_columns_to_the_right() -> None:
    rising = decision_surface(Score(lambda x, y: x[:, 1]), 0, NONE, NONE, 0.0)
    assert rising is not None
    assert rising.shape == (RESOLUTION, RESOLUTION)
    assert rising[-1, 0] > 0.5 > -0.5 > rising[0, 0]
    assert torch.equal(rising[:, 0], rising[:, -1])
    rightward = decision_surface(Score(lambda x, y: x[:, 0]), 0, NONE, NONE, 0.0)
    assert rightward is not None
    assert rightward[0, -1] > 0.5 > -0.5 > rightward[0, 0]


def test_an_undecided_d_is_at_zero_and_a_sure_one_at_one() -> None:
    for score, verdict in ((0.5, 0.0), (1.0, math.tanh(1.0)), (-9.0, -1.0)):
        surface = decision_surface(
            Score(lambda x, y, s=score: torch.full((len(x),), s)), 0, NONE, NONE, 0.5, 0.5
        )
        assert surface is not None
        assert surface.flatten().tolist() == pytest.approx([verdict] * RESOLUTION**2, abs=1e-6)


def test_scores_without_a_zero_are_centred_between_real_and_fake() -> None:
    """A critic 100 + x of reals at x = 1 and fakes at x = 0 is undecided at x = 0.5."""
    real = torch.tensor([1.0, 0.0]).expand(8, 2)[..., None, None]
    surface = decision_surface(Score(lambda x, y: 100.0 + x[:, 0]), 0, real, NONE, None)
    assert surface is not None
    border = int((surface[0] > 0).nonzero()[0])
    assert ((border / RESOLUTION) * 2 - 1) * 1.1 == pytest.approx(0.5, abs=0.05)


def test_a_labelled_d_is_asked_about_every_class() -> None:
    """It says x of class 0 and y of class 1: the larger counts."""
    network = Score(lambda x, y: x.gather(1, y[:, None]).squeeze(1))
    points = torch.tensor([[1.0, -1.0], [-1.0, 0.5]]).view(2, 2, 1, 1)
    assert judge(network, points, 2).tolist() == [1.0, 0.5]


def test_many_classes_make_it_coarser() -> None:
    asked = []

    def count(x: Tensor, y: Tensor) -> Tensor:
        asked.append(len(x))
        return x[:, 0]

    surface = decision_surface(Score(count), 25, NONE, NONE, 0.0)
    assert surface is not None
    assert surface.shape == (40, 40)
    assert sum(asked) <= BUDGET + 25 * 9


def test_a_d_that_compares_has_no_surface() -> None:
    network = Moody()
    network.layers = nn.Sequential(nn.Flatten(), GroupStddev(4), nn.Linear(3, 1))
    points = torch.randn(8, 2, 1, 1, generator=torch.Generator().manual_seed(0))
    assert decision_surface(network, 0, points, points, 0.0) is None
