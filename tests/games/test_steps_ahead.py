"""Steps ahead are those of D's own optimizer, whatever it is, and leave it alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.games.losses import (
    NonSaturating,
    Targets,
)
from gan_cli.games.unrolled import unroll
from gan_cli.tricks.examples import Discriminate
from tests.tricks.games import Tiny, tiny_discriminator

Optimizer = torch.optim.Optimizer
OPTIMIZERS: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (torch.optim.Adam, {"lr": 0.02, "betas": (0.5, 0.9)}),
    (torch.optim.Adam, {"lr": 0.02, "betas": (0.0, 0.9), "fused": True}),
    (torch.optim.Adam, {"lr": 0.02, "foreach": True, "amsgrad": True}),
    (torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.1}),
    (torch.optim.RMSprop, {"lr": 0.01}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.5}),
    (torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.1, "fused": True}),
]
NAMES = [f"{kind.__name__}-{'-'.join(list(options)[1:])}" for kind, options in OPTIMIZERS]


def learn(network: nn.Module, optimizer: Optimizer, real: Tensor, fake: Tensor) -> None:
    """A step of D on cross-entropy."""
    optimizer.zero_grad()
    d_loss(lambda x: network(x, None)[0], real, fake).backward()
    optimizer.step()


def d_loss(logits: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of what `logits` says."""
    ones = torch.ones(len(real))
    return NonSaturating().discriminator(logits(real), logits(fake), Targets(ones, 0 * ones))


def ahead_and_real(
    network: nn.Module, optimizer: Optimizer, real: Tensor, fake: Tensor
) -> tuple[Tensor, Tensor]:
    """D's logits of fakes three steps ahead, and after three real steps on the same batch."""

    def loss(discriminate: Discriminate) -> Tensor:
        return d_loss(lambda x: discriminate(x, None).logits, real, fake)

    def memory() -> list[Tensor]:
        kept = [v for of in optimizer.state.values() for v in of.values()]
        return [v.clone() for v in kept if isinstance(v, Tensor)]

    before, remembered = [p.clone() for p in network.parameters()], memory()
    options = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
    seen = unroll(network, optimizer, 3, loss)(fake, None).logits
    assert all(map(torch.equal, before, network.parameters()))
    assert all(map(torch.equal, remembered, memory()))
    assert options == [
        {k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups
    ]
    for _ in range(3):
        learn(network, optimizer, real, fake)
    return seen.detach(), network(fake, None)[0].detach()


@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS, ids=NAMES)
@pytest.mark.parametrize("steps_before", [0, 2])
def test_the_steps_ahead_are_those_of_ds_optimizer(kind, options, steps_before: int):
    """What G sees is what D says after real steps on the same batch; nothing of D has changed."""
    torch.manual_seed(0)
    network = tiny_discriminator()
    optimizer = kind(network.parameters(), **options)
    real, fake = torch.rand(2, 6, 1, 2, 2)
    for _ in range(steps_before):
        learn(network, optimizer, real, fake)
    torch.testing.assert_close(
        *ahead_and_real(network, optimizer, real, fake), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS, ids=NAMES)
def test_each_parameter_group_has_its_own_options(kind, options):
    """The body learns ten times as fast as the head, and one weight is in no group at all."""
    torch.manual_seed(0)
    network = tiny_discriminator()
    _, *body = network.body.parameters()
    groups = [
        {"params": [*network.head.parameters()], "lr": options["lr"] / 10},
        {"params": body},
        {"params": [nn.Parameter(torch.ones(3))]},  # not of this network
    ]
    optimizer = kind(groups, **options)
    real, fake = torch.rand(2, 6, 1, 2, 2)
    learn(network, optimizer, real, fake)
    torch.testing.assert_close(
        *ahead_and_real(network, optimizer, real, fake), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", [torch.optim.LBFGS])
def test_an_optimizer_without_gradients_is_refused(kind: type[Optimizer]):
    game = Tiny(unrolled_steps=1).game
    with pytest.raises(UserError, match=f"^optimizer: {kind.__name__} cannot be looked ahead"):
        game.set_optimizers({"discriminator": kind(game.adversaries.parameters())})
