"""The running mean of a network."""

import pytest
import torch
from torch import nn

from gan_cli.engine.ema import EMA


def a_network(value: float) -> nn.Module:
    network = nn.Linear(1, 1, bias=False)
    network.register_buffer("seen", torch.tensor(value))
    nn.init.constant_(network.weight, value)
    return network


def fill(network: nn.Module, value: float) -> None:
    """As training would have changed it."""
    nn.init.constant_(network.weight, value)
    network.seen.fill_(value)


def test_closed_form_without_warm_up() -> None:
    """From 0 towards 1 with decay d, after n updates: 1 - d^n."""
    average = EMA(decay=0.9, warm_up=False)
    network = a_network(0.0)
    average.attach({"generator": network})
    fill(network, 1.0)
    for n in range(5):
        average.update(n)
    assert torch.allclose(average.networks[0].weight, torch.tensor(1 - 0.9**5))


def test_warm_up_forgets_the_first_weights() -> None:
    """The first decays are 1/10 and 2/11, so after two updates 1 - 1/10 * 2/11 is of the new."""
    average = EMA(decay=0.999, warm_up=True)
    network = a_network(0.0)
    average.attach({"generator": network})
    fill(network, 1.0)
    for n in range(2):
        average.update(n)
    assert torch.allclose(average.networks[0].weight, torch.tensor(1 - (1 / 10) * (2 / 11)))


def test_buffers_are_copied_not_averaged() -> None:
    average = EMA(decay=0.9)
    network = a_network(0.0)
    average.attach({"generator": network})
    fill(network, 3.0)
    average.update(100)
    assert average.networks[0].seen == 3.0


def test_the_mean_is_no_part_of_the_network_it_follows() -> None:
    network = a_network(0.0)
    average = EMA()
    average.attach({"generator": network})
    assert not any(p.requires_grad for p in average.networks[0].parameters())
    nn.init.constant_(network.weight, 5.0)
    assert average.networks[0].weight == 0.0


def test_several_networks_stand_in_for_several() -> None:
    game = nn.Module()
    game.there, game.back = a_network(0.0), a_network(10.0)
    own = {"there": game.there, "back": game.back}
    average = EMA(decay=0.5, warm_up=False)
    average.attach(own)
    fill(game.there, 1.0)
    fill(game.back, 20.0)
    average.update(0)
    with average.standing_in(game):
        assert (game.there.weight.item(), game.back.weight.item()) == (0.5, 15.0)
    assert game.there is own["there"]
    assert game.back is own["back"]
    average.stand_in(game)
    assert game.back.weight.item() == 15.0


def test_what_fails_while_they_stand_in_puts_the_networks_back() -> None:
    game = nn.Module()
    game.there = own = a_network(0.0)
    average = EMA()
    average.attach({"there": own})
    with pytest.raises(RuntimeError), average.standing_in(game):
        raise RuntimeError
    assert game.there is own
