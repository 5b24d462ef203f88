"""Activations that overwrite their input: nothing else may read it."""

import copy

import pytest
import torch
from torch import nn

from gan_cli.games.base import Game
from gan_cli.networks.resnet import DownBlock
from gan_cli.tricks.examples import Progress
from tests.games.composed import assembled, random_batch

MODELS = ["vanilla", "cgan_dcgan", "dcgan_r1", "acgan", "infogan", "wgan_gp", "sngan", "r3gan"]
MODELS += ["sngan_resnet", "sagan", "biggan", "progan", "stylegan2", "lapgan", "vaegan", "bigan"]
MODELS += ["ali", "ebgan_dcgan", "pix2pix", "cyclegan", "srgan", "esrgan"]


def gradients(game: Game) -> dict[str, torch.Tensor]:
    """Of every player's losses on the same noise, its lazy terms among them; and the losses."""
    torch.manual_seed(0)
    batch = random_batch(game.fields, 4)
    found = {}
    game.begin_step()
    for player, spec in game.players.items():
        for parameter in game.parameters():
            parameter.requires_grad_(False)
        for module in spec.modules:
            module.requires_grad_(True)
        losses = game.turn(player, batch, Progress(0, 0.0, 0.5, 0))
        total = sum(losses.minimise.values(), torch.zeros(()))
        total.backward()
        found[f"{player}'s loss"] = total.detach()
        for name, parameter in game.named_parameters():
            if parameter.grad is not None:
                found[f"{player} {name}"] = parameter.grad
                parameter.grad = None
    return found


@pytest.mark.parametrize("model", MODELS)
def test_overwriting_changes_neither_losses_nor_gradients(model: str):
    game = assembled(model)
    ordinary = copy.deepcopy(game)
    overwriting = [m for m in ordinary.modules() if getattr(m, "inplace", False)]
    for module in overwriting:
        module.inplace = False
    assert overwriting
    expected, found = gradients(ordinary), gradients(game)
    assert found.keys() == expected.keys()
    for name in found:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("normalization", ["none", "layer"])
def test_a_shortcut_reads_what_came_in(normalization: str):
    """A residual block's first ReLU leaves its input alone where nothing is normalised before."""
    block = DownBlock(8, 8, normalization, halve=False)
    for module in block.residual:
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(block(x.clone()), x)
