"""A player's optimizer: what it remembers, and in which order its numbers lie."""

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from gan_cli.engine.player import Player
from gan_cli.engine.schedules import Constant
from gan_cli.tricks.base import StepHook

GRADIENT = torch.arange(4 * 3 * 2 * 2.0).reshape(4, 3, 2, 2)


def a_player(layout: torch.memory_format, **options: bool) -> Player:
    values = torch.ones(4, 3, 2, 2)
    weight = nn.Parameter(values.to(memory_format=layout))
    return Player("generator", [weight], torch.optim.Adam([weight], **options), Constant())


def step(player: Player) -> Tensor:
    (weight,) = player.parameters
    weight.grad = torch.empty_like(weight).copy_(GRADIENT)
    player.update()
    return weight.detach().clone()


@pytest.mark.parametrize("options", [{}, {"fused": True}], ids=["plain", "fused"])
def test_memory_of_another_layout(options: dict[str, bool]) -> None:
    """A fused kernel walks along weights and memory as they lie, whatever their strides are."""
    before = a_player(torch.contiguous_format)
    step(before)
    state = copy.deepcopy(before.state_dict())
    after = a_player(torch.channels_last, **options)
    with torch.no_grad():
        after.parameters[0].copy_(before.parameters[0])
    after.load_state_dict(state)
    assert torch.allclose(step(after), step(before), rtol=1e-6)


def test_a_hook_may_put_gradients_of_another_layout() -> None:
    class Doubling(StepHook):
        def before_step(self, parameters: Sequence[nn.Parameter]) -> None:
            for p in parameters:
                p.grad = (2 * p.grad).contiguous()

    players = [
        a_player(layout, fused=True) for layout in (torch.contiguous_format, torch.channels_last)
    ]
    for player in players:
        player.hooks = [(Doubling(), player.parameters)]
    assert torch.equal(*(step(player) for player in players))
