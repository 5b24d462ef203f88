"""What the health probe sees, and that nobody notices it looking."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_cli.data.dataset import Pictures
from gan_cli.games import losses
from gan_cli.games.adversary import Adversary
from gan_cli.games.two_player import Game
from gan_cli.health.probe import Health
from gan_cli.networks import dcgan, mlp
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.targets import LabelSmoothing
from gan_cli.tricks.views import InstanceNoise

START = Progress(50, 1.0, 0.5)
REPORT = {
    "score/real": 2.0,
    "score/fake": -1.0,
    "loss/D/adversarial": 0.5,
    "loss/G/adversarial": 1.0,
}


def a_game(loss: losses.Loss | None = None, **adversary: Any) -> Game:
    """A small DCGAN with BatchNorm in both."""
    torch.manual_seed(0)
    D = dcgan.Discriminator(8, 1, width=4)
    G = dcgan.Generator(3, 8, 1, width=4)
    return Game(G, Adversary(D, loss or losses.NonSaturating(), **adversary), {})


def pictures(count: int = 32) -> Tensor:
    return torch.randint(256, (count, 1, 8, 8), dtype=torch.uint8)


def look(game: Game, held_out: Pictures | None = None, **report: float) -> dict[str, float]:
    x = pictures(16).float() / 127.5 - 1
    return Health(game, 10, 0, held_out).measure(START, x, None, REPORT | report)


def test_which_signs_a_loss_allows() -> None:
    unseen = Pictures(pictures(), None)
    always = {"diversity", "uniqueness", "overfitting", "score_gap", "oscillation"}
    for loss, more in (
        (losses.NonSaturating(), {"accuracy_held_out", "divergence_bound"}),
        (losses.LeastSquares(), {"accuracy_held_out"}),
        (losses.Wasserstein(), set()),
    ):
        found = look(a_game(loss), unseen)
        assert set(found) == {f"health/{name}" for name in always | more}, loss
    assert set(look(a_game())) == {
        f"health/{name}"
        for name in ("diversity", "uniqueness", "score_gap", "oscillation", "divergence_bound")
    }
    # smoothed targets keep the loss above zero: it bounds nothing
    smoothed = a_game(labels=[LabelSmoothing()])
    assert "health/divergence_bound" not in look(smoothed)


def test_neither_network_nor_their_game_notices() -> None:
    game = a_game(views=[InstanceNoise(0.1)])
    before = copy.deepcopy(game.state_dict())
    look(game, Pictures(pictures(), None))
    for name, value in game.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert game.training
    assert all(p.requires_grad for p in game.parameters())


def test_what_it_draws_follows_from_seed_and_step() -> None:
    game, unseen = a_game(), Pictures(pictures(), None)
    x = pictures(16).float() / 127.5 - 1

    def seen(seed: int = 0, step: int = 50) -> dict[str, float]:
        torch.rand(7)
        progress = Progress(step, 1.0, 0.5)
        return Health(game, 10, seed, unseen).measure(progress, x, None, REPORT)

    assert seen() == seen()
    assert seen() != seen(seed=1)
    assert seen() != seen(step=51)


class Memory(nn.Module):
    """A D that knows the dark pictures of its training, and takes all others for fakes."""

    def forward(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        score = torch.where(x.flatten(1).mean(1) < -0.5, 4.0, -4.0)
        return score, score[:, None]


def test_a_discriminator_that_learnt_by_heart_is_seen_on_held_out_pictures() -> None:
    game = a_game()
    game.adversary.network = Memory()  # type: ignore[assignment]
    dark, bright = (torch.full((16, 1, 8, 8), v, dtype=torch.uint8) for v in (10, 200))
    x = dark.float() / 127.5 - 1
    for held_out, overfitting, right in ((bright, 1.0, 0.0), (dark, 0.0, 1.0)):
        found = Health(game, 10, 0, Pictures(held_out, None)).measure(START, x, None, REPORT)
        assert found["health/overfitting"] == overfitting
        assert found["health/accuracy_held_out"] == right


def test_oscillation_goes_on_from_earlier_reports() -> None:
    game = a_game()
    reports = [{"loss/G/adversarial": value} for value in (1.0, 3.0, 1.0, 3.0, 2.0)]
    through = Health(game, 1, 0, None)
    x = pictures(16).float() / 127.5 - 1
    for report in reports:
        last = through.measure(START, x, None, report)
    resumed = Health(game, 1, 0, None, earlier=reports[:-1])
    assert resumed.measure(START, x, None, reports[-1]) == last
    assert last["health/oscillation"] > 0.5


def test_labels_reach_labelled_networks_alone() -> None:
    torch.manual_seed(0)
    D, G = mlp.Discriminator(8, 1, 3, hidden=[4]), mlp.Generator(3, 8, 1, 3, hidden=[4])
    game = Game(G, Adversary(D, losses.NonSaturating()), {})
    x, y = pictures(16).float() / 127.5 - 1, torch.arange(16) % 3
    held_out = Pictures(pictures(), torch.arange(32) % 3)
    found = Health(game, 10, 0, held_out).measure(START, x, y, REPORT)
    assert "health/accuracy_held_out" in found


def test_a_batch_of_one_has_no_diversity() -> None:
    x = pictures(1).float()
    found = Health(a_game(), 10, 0, Pictures(pictures(), None)).measure(START, x, None, REPORT)
    assert "health/diversity" not in found
    assert "health/score_gap" in found


@pytest.mark.parametrize(
    ("step", "last", "due"), [(10, False, True), (11, False, False), (11, True, True)]
)
def test_it_looks_when_there_is_a_report(step: int, last: bool, due: bool) -> None:
    assert Health(a_game(), 10, 0, None).due(step, last) is due
