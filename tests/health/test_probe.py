"""What the health probe sees, and that nobody notices it looking."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_cli.data.fields import Batch, Field
from gan_cli.games import losses
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game, Losses, PlayerSpec
from gan_cli.games.requests import Drawing, Request, Trial
from gan_cli.games.two_player import TwoPlayer
from gan_cli.health import probe
from gan_cli.health.probe import HealthProbe
from gan_cli.networks import dcgan, mlp
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.pools import ExperienceReplay
from gan_cli.tricks.targets import LabelSmoothing
from gan_cli.tricks.views import InstanceNoise

START = Progress(50, 1.0, 0.5)
REPORT = {
    "score/real": 2.0,
    "score/fake": -1.0,
    "loss/D/adversarial": 0.5,
    "loss/G/adversarial": 1.0,
}
FIELDS = {"image": Field("image", (1, 8, 8)), "label": Field("label")}


def a_game(loss: losses.Loss | None = None) -> TwoPlayer:
    """A small DCGAN with BatchNorm in both."""
    torch.manual_seed(0)
    D = dcgan.Discriminator(8, 1, width=4)
    G = dcgan.Generator(3, 8, 1, width=4)
    game = TwoPlayer(3, G, D, loss or losses.NonSaturating())
    game.bind(FIELDS)
    return game


def stored(count: int = 32) -> Tensor:
    return torch.randint(256, (count, 1, 8, 8), dtype=torch.uint8)


def a_batch(count: int = 16) -> Batch:
    return {"image": stored(count).float() / 127.5 - 1}


def look(game: Game, held_out: Batch | None = None) -> dict[str, float]:
    return HealthProbe(game, 10, 0, held_out).measure(START, a_batch(), REPORT)


def test_which_signs_a_loss_allows() -> None:
    unseen = {"image": stored()}
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
    labelled = unseen | {"label": torch.arange(32) % 10}
    assert look(a_game(), labelled).keys() - look(a_game(), unseen) == {"health/nearest_class_kl"}
    smoothed = a_game()  # smoothed targets keep the loss above zero: it bounds nothing
    smoothed.adversary("discriminator").add("smoothing", LabelSmoothing())
    assert "health/divergence_bound" not in look(smoothed)


def test_no_network_and_no_trick_notices() -> None:
    game = a_game()
    pool = ExperienceReplay(8)
    pool.attach((1, 8, 8))
    for name, trick in (("noise", InstanceNoise(0.1)), ("replay", pool)):
        game.adversary("discriminator").add(name, trick)
    before = copy.deepcopy(game.state_dict())
    look(game, {"image": stored()})
    for name, value in game.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, msg=name)
    assert game.training
    assert all(p.requires_grad and p.grad is None for p in game.parameters())


def test_what_it_draws_follows_from_seed_and_step() -> None:
    game, unseen, batch = a_game(), {"image": stored()}, a_batch()

    def seen(seed: int = 0, step: int = 50) -> dict[str, float]:
        torch.rand(7)
        progress = Progress(step, 1.0, 0.5)
        return HealthProbe(game, 10, seed, unseen).measure(progress, batch, REPORT)

    assert seen() == seen()
    assert seen() != seen(seed=1)
    assert seen() != seen(step=51)


def test_fakes_are_those_of_training() -> None:
    """In evaluation mode, with BatchNorm's first statistics, they would be as good as constant."""
    game, batch = a_game(), a_batch()
    in_training = HealthProbe(game, 10, 0, None).measure(START, batch, REPORT)
    otherwise = HealthProbe(game.eval(), 10, 0, None).measure(START, batch, REPORT)
    assert in_training["health/diversity"] > 2 * otherwise["health/diversity"]


class Memory(nn.Module):
    """A D that knows the dark images of its training, and takes all others for fakes.

    With `maps`, its logits are of patches.
    """

    def __init__(self, maps: bool = False) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, x: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
        logits = torch.where(x.flatten(1).mean(1) < -0.5, 4.0, -4.0)
        shown = logits[:, None, None].expand(-1, 3, 3) if self.maps else logits
        return shown, logits[:, None]


DARK, BRIGHT = (torch.full((16, 1, 8, 8), v, dtype=torch.uint8) for v in (10, 200))


@pytest.mark.parametrize("maps", [False, True])
def test_a_discriminator_that_memorised_is_seen_on_held_out_images(maps: bool) -> None:
    game = a_game()
    game.adversary("discriminator").network = Memory(maps)
    batch = {"image": DARK.float() / 127.5 - 1}
    for held_out, overfitting, right in ((BRIGHT, 1.0, 0.0), (DARK, 0.0, 1.0)):
        found = HealthProbe(game, 10, 0, {"image": held_out}).measure(START, batch, REPORT)
        assert found["health/overfitting"] == overfitting
        assert found["health/accuracy_held_out"] == right


def test_oscillation_goes_on_from_earlier_reports() -> None:
    game, batch = a_game(), a_batch()
    reports = [{"loss/G/adversarial": value} for value in (1.0, 3.0, 1.0, 3.0, 2.0)]
    through = HealthProbe(game, 1, 0, None)
    for report in reports:
        last = through.measure(START, batch, report)
    resumed = HealthProbe(game, 1, 0, None, earlier=reports[:-1])
    assert resumed.measure(START, batch, reports[-1]) == last
    assert last["health/oscillation"] > 0.5


def test_labels_reach_labelled_networks() -> None:
    torch.manual_seed(0)
    D, G = mlp.Discriminator(8, 1, 3, hidden=[4]), mlp.Generator(3, 8, 1, 3, hidden=[4])
    game = TwoPlayer(3, G, D, losses.NonSaturating())
    game.bind(FIELDS)
    asked = []
    G.register_forward_pre_hook(lambda module, inputs: asked.append(inputs[1]))
    batch = {**a_batch(), "label": torch.arange(16) % 3}
    held_out = {"image": stored(), "label": torch.arange(32) % 3}
    found = HealthProbe(game, 10, 0, held_out).measure(START, batch, REPORT)
    assert "health/accuracy_held_out" in found
    assert torch.equal(asked[0], batch["label"])


def test_a_batch_of_one_has_no_diversity() -> None:
    found = HealthProbe(a_game(), 10, 0, {"image": stored()}).measure(START, a_batch(1), REPORT)
    assert "health/diversity" not in found
    assert "health/overfitting" in found
    assert "health/score_gap" in found


def test_nothing_is_told_of_diversity_where_real_images_are_all_alike() -> None:
    batch = {"image": torch.zeros_like(a_batch(16)["image"])}
    found = HealthProbe(a_game(), 10, 0, None).measure(START, batch, REPORT)
    assert "health/diversity" not in found
    assert "health/uniqueness" not in found
    assert "health/score_gap" in found


def test_of_a_huge_batch_some_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "COMPARED", 4)
    game = a_game()
    made = []
    game.generator.register_forward_hook(lambda module, inputs, output: made.append(len(output)))
    look(game)
    assert made == [4]


class Translation(Game):
    """From a to b and back, no pairs: each kind has its own D, which knows the dark ones."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        for name in "ab":
            self.adversaries[name] = Adversary(Memory(), losses.NonSaturating())
        self.asked: list[Request] = []

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        raise NotImplementedError

    @property
    def averaged(self) -> Mapping[str, nn.Module]:
        raise NotImplementedError

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        raise NotImplementedError

    def sheets(self, *_: Any) -> Any:
        raise NotImplementedError

    def draw(self, request: Request) -> Drawing:
        self.asked.append(request)
        return Drawing({"in": request.inputs["a"], "out": request.inputs["a"] / 2}, "out")

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        return {name: (batch[name], None) for name in "ab"}

    def trials(self) -> Mapping[str, Trial]:
        there = Trial("b", ("a",), direction="ab")
        return {"ab": there, "ba": Trial("a", ("b",), direction="ba")}


def test_a_game_that_translates_is_fed_from_the_batch_and_all_its_ds_count() -> None:
    game = Translation()
    x = DARK.float() / 127.5 - 1
    images = torch.rand(16, 1, 8, 8)
    held_out = {"a": DARK[:5], "b": BRIGHT}  # one D memorised, the other did not
    found = HealthProbe(game, 10, 0, held_out).measure(START, {"a": x, "b": x}, REPORT)
    assert found["health/overfitting"] == 0.5
    assert found["health/accuracy_held_out"] == 0.5
    assert "health/divergence_bound" not in found
    found = HealthProbe(game, 10, 0, None).measure(START, {"a": images, "b": images}, REPORT)
    assert found["health/diversity"] == pytest.approx(0.5)
    assert game.asked[-1].direction == "ab"


def test_held_out_samples_that_belong_together_stay_together() -> None:
    held_out = {"image": stored(1000), "label": torch.arange(1000)}
    held_out["image"][:, 0, 0, 0] = torch.arange(1000) // 4
    some = probe._some(held_out, 64, torch.device("cpu"))
    first = ((some["image"][:, 0, 0, 0] + 1) * 127.5).round().long()
    assert torch.equal(first, some["label"] // 4)
    assert len(some["label"].unique()) > 50


@pytest.mark.parametrize(
    ("step", "last", "due"), [(10, False, True), (11, False, False), (11, True, True)]
)
def test_it_looks_when_there_is_a_report(step: int, last: bool, due: bool) -> None:
    assert HealthProbe(a_game(), 10, 0, None).due(step, last) is due
