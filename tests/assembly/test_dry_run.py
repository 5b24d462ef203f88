"""What does not fit is found before any data is read, and finding it changes nothing."""

import copy
from typing import Any

import pytest
import torch

from gan_cli.assembly.build import build_players
from gan_cli.assembly.dry_run import try_game
from gan_cli.assembly.game import assemble_game
from gan_cli.data.digits import Digits
from gan_cli.data.torchvision import MNIST
from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import NARROW, TINY, Command, narrow
from tests.settings import settings_of

ODD = "tests.assembly.odd_parts"
VANILLA = ["model=vanilla", *narrow("vanilla")]
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Whoever reads data here has come too far."""
    if "reads_data" in request.fixturenames:
        return

    def fail(self: object) -> None:
        raise AssertionError("data was read")

    for cls in (Digits, MNIST):
        monkeypatch.setattr(cls, "prepare", fail)


@pytest.fixture
def reads_data() -> None:
    """For tests that train."""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model.generator.channels=3"], "model: it makes 3x16x16 and the data's `image` is image"),
        (["model.generator.image_size=8"], "model: it makes 1x8x8 and the data's `image` is image"),
        (["model.discriminator.image_size=8"], "model: the turn of the discriminator fails on"),
        (["model.discriminator.channels=3"], "on data with `image` image 1x16x16"),
        (["model.generator.latent_dim=7"], "model: generator.latent_dim=7, but latent_dim=100"),
        ([f"loss._target_={ODD}.VectorLoss"], "loss: adversarial of the generator is of shape 4 "),
        ([f"loss._target_={ODD}.NumberLoss"], "loss: adversarial of the discriminator is 0.0 and"),
        ([f"loss._target_={ODD}.ConstantLoss"], "of the generator does not depend on its weights"),
        (
            [f"model.generator._target_={ODD}.Wide"],
            "model: it makes 1x16x17 and the data's `image` is image 1x16x16",
        ),
        (["loss._target_=gan_cli.games.losses.Loss"], "Loss does not say what discriminator, gen"),
        (["data=mnist", "data.root=nowhere", "model.generator.channels=3"], "makes 3x28x28"),
    ],
)
def test_a_misfit_costs_one_line(gan_train: Command, arguments: list[str], said: str) -> None:
    result = gan_train(*VANILLA, *arguments)
    assert result.code == 2, result.err + result.out
    assert len(result.problems) == 1, result.err
    assert said in result.problems[0]
    assert not result.folder.exists()


@pytest.mark.parametrize("error", ["KeyError", "ZeroDivisionError", "AttributeError", "Exception"])
def test_whatever_a_network_raises(gan_train: Command, error: str) -> None:
    broken = f"{{_target_:{ODD}.Broken,image_size:16,channels:1,error:{error}}}"
    result = gan_train("model=vanilla", "~model.discriminator", f"+model.discriminator={broken}")
    assert result.code == 2, result.err + result.out
    assert len(result.problems) == 1, result.err
    assert "the turn of the discriminator fails" in result.problems[0]
    assert "of my" in result.problems[0]


def test_networks_for_other_pairs(gan_train: Command) -> None:
    result = gan_train(
        *("model=pix2pix", "data=digit_outlines", *narrow("pix2pix")),
        *("model.generator.in_channels=3", "model.generator.out_channels=3"),
    )
    assert result.code == 2, result.err + result.out
    assert len(result.problems) == 1, result.err
    assert "model: drawing" in result.problems[0]


TRICKS = "tricks=[experience_replay,historical_averaging,spectral_norm,instance_noise]"


@pytest.mark.parametrize(
    "arguments",
    [
        [*VANILLA, TRICKS],
        ["model=dcgan", *narrow("dcgan"), TRICKS],
        ["model=infogan", "+model.generator.width=4", "+model.discriminator.width=4"],
        [*VANILLA, "tricks=[unrolled]"],
        ["model=pix2pix", "data=digit_outlines", *narrow("pix2pix"), "model.generator.depth=2"],
    ],
    ids=lambda arguments: arguments[0] + arguments[-1],
)
def test_it_leaves_a_game_as_it_was(arguments: list[str]) -> None:
    settings = settings_of(*arguments)
    dataset = settings.data.dataset.build()
    game = assemble_game(settings, dataset.fields)
    players = build_players(settings, game)
    modes = [module.training for module in game.modules()]
    before = copy.deepcopy(game.state_dict())
    names = try_game(game, 16, dataset.n_classes, CPU)
    assert {"loss/D/adversarial", "loss/G/adversarial", "grad_norm/D", "lr/G"} <= set(names)
    assert same(before, game.state_dict())
    assert [module.training for module in game.modules()] == modes
    assert all(p.grad is None for p in game.parameters())
    assert all(not player.optimizer.state for player in players)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def test_a_run_is_the_same_without_it(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch, reads_data: None
) -> None:
    counting = f"+model.discriminator={{_target_:{ODD}.Counting,image_size:16,channels:1}}"
    arguments = [*TINY, "model=vanilla", "model.generator.hidden=[4]", "~model.discriminator"]
    arguments += [counting, "tricks=[experience_replay]", "trainer.health=false"]
    one = gan_train(*arguments, folder="one")
    assert one.code == 0, one.err
    tried = []
    monkeypatch.setattr(
        "gan_cli.runs.train.try_game", lambda *a: tried.append(a) or ["loss/G/adversarial"]
    )
    other = gan_train(*arguments, folder="other")
    assert tried
    states = [load_newest(result.folder)[1]["state"] for result in (one, other)]
    assert same(*states)


def test_frozen_weights_stay_frozen(gan_train: Command, reads_data: None) -> None:
    """Also where tricks and decay act on weights."""
    frozen = f"+model.discriminator={{_target_:{ODD}.PartlyFrozen,image_size:16,channels:1}}"
    result = gan_train(
        *(*TINY, "model=vanilla", "model.generator.hidden=[4]", "~model.discriminator", frozen),
        *("tricks=[weight_clipping,gradient_clipping]", "optimizer=adamw"),
        "trainer.health=false",
    )
    assert result.code == 0, result.err
    game = load_newest(result.folder)[1]["state"]["game"]
    weights = {k: v for k, v in game.items() if "network.body" in k}
    assert torch.equal(
        weights["adversaries.discriminator.network.body.1.weight"], torch.ones(4, 256)
    )
    assert weights["adversaries.discriminator.network.body.3.weight"].abs().max() <= 0.01


@pytest.mark.parametrize(
    "options",
    [
        ["optimizer._target_=torch.optim.Rprop", "~optimizer.betas", "+optimizer.etas=[2,1]"],
        ["optimizer._target_=torch.optim.Rprop", "~optimizer.betas", "+optimizer.etas=[0.5]"],
        ["optimizer._target_=torch.optim.Muon", "~optimizer.betas"],
        ["optimizer=sgd", "optimizer.momentum=0", "+optimizer.nesterov=true"],
        ["+optimizer.differentiable=true"],
    ],
    ids=lambda options: options[-1],
)
def test_options_that_no_optimizer_can_have(
    gan_train: Command, reads_data: None, options: list[str]
) -> None:
    result = gan_train(*TINY, "model=dcgan", *NARROW, *options, "trainer.health=false")
    assert result.code == 2, result.err
    assert len(result.problems) == 1, result.err
    assert "optimizer" in result.problems[0]


@pytest.mark.parametrize(
    ("optimizer", "code"),
    [
        *((name, 0) for name in ("ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW")),
        *((name, 0) for name in ("Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD")),
        *((name, 2) for name in ("LBFGS", "SparseAdam")),
    ],
)
def test_any_optimizer_of_torch_works_or_is_refused(
    gan_train: Command, reads_data: None, optimizer: str, code: int
) -> None:
    chosen = ["optimizer=sgd", "~optimizer.momentum", f"optimizer._target_=torch.optim.{optimizer}"]
    result = gan_train(*TINY, *VANILLA, *chosen, "trainer.health=false")
    assert result.code == code, result.err
    if code:
        assert len(result.problems) == 1, result.err
        assert f"optimizer: {optimizer} cannot train these networks" in result.problems[0]
