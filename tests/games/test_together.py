"""Real and fake images stand before D as one batch where D cannot tell."""

import pytest
import torch
from torch import Tensor, nn

from gan_cli.games.base import Game
from gan_cli.networks.untouched import judges_singly
from tests.games.composed import assembled, random_batch
from tests.tricks.games import START

NO_DROPOUT = "model.discriminator.dropout=0"


def turn(game: Game, together: bool) -> tuple[dict[str, Tensor], list[Tensor], list[int]]:
    """Losses and gradients of D's turn, and how large the batches were that D was asked about."""
    adversary = game.adversary("discriminator")
    adversary._single = together
    asked: list[int] = []
    handle = adversary.network.register_forward_hook(lambda m, x, y: asked.append(len(x[0])))
    torch.manual_seed(0)
    losses = game.turn("discriminator", random_batch(game.fields, 6), START)
    handle.remove()
    found = {**losses.minimise, **losses.watch}
    weights = [*adversary.network.parameters()]
    return found, [*torch.autograd.grad(sum(losses.minimise.values()), weights)], asked


@pytest.mark.parametrize(
    ("model", "overrides"),
    [
        ("vanilla", [NO_DROPOUT]),
        ("cgan", [NO_DROPOUT, "model.generator.hidden=[8]", "model.discriminator.hidden=[8]"]),
        ("wgan_gp", []),
        ("dcgan", ["model.discriminator.normalization=layer", "tricks=[diffaugment]"]),
    ],
)
def test_it_makes_no_difference_but_in_rounding(model: str, overrides: list[str]) -> None:
    game = assembled(model, *overrides) if model != "cgan" else _labelled(overrides)
    assert judges_singly(game.adversary("discriminator").network)
    apart, together = turn(game, False), turn(game, True)
    assert apart[2][:2] == [6, 6]
    assert together[2][:1] == [12]
    for name, value in apart[0].items():
        assert torch.allclose(value, together[0][name], rtol=1e-4, atol=1e-6), name
    for a, b in zip(apart[1], together[1], strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-6)


def _labelled(overrides: list[str]) -> Game:
    from gan_cli.assembly.game import assemble_game
    from tests.settings import settings_of

    settings = settings_of("model=cgan", *overrides)
    dataset = settings.data.dataset.build()
    return assemble_game(settings, dataset.fields)


@pytest.mark.parametrize(
    ("model", "overrides"),
    [
        ("dcgan", []),  # BatchNorm
        ("sngan", ["model.generator.max_width=8", "model.discriminator.max_width=8"]),
        ("vanilla", ["tricks=[minibatch_discrimination]"]),
        ("vanilla", ["tricks=[spectral_norm]"]),
    ],
)
def test_a_d_that_can_tell_is_asked_twice(model: str, overrides: list[str]) -> None:
    game = assembled(model, *overrides)
    assert not game.adversary("discriminator")._judges_singly()


def test_penalties_of_a_batch_s_own_gradient_keep_it_apart() -> None:
    """Their second derivative would take the other batch along."""
    game = assembled("r3gan", "data.image_size=8")
    assert turn(game, True)[2] == [6, 6]


def test_a_network_of_somebody_s_own_is_asked_as_ever() -> None:
    class Stranger(nn.Linear):
        pass

    assert judges_singly(nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.GroupNorm(1, 2)))
    assert not judges_singly(nn.Sequential(nn.Linear(2, 2), Stranger(2, 1)))
