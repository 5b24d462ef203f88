"""The running mean of a network."""

import torch
from torch import nn

from gan_cli.engine.ema import EMA


def a_network(value: float) -> nn.Module:
    network = nn.Linear(1, 1, bias=False)
    network.register_buffer("seen", torch.tensor(value))
    nn.init.constant_(network.weight, value)
    return network


def test_closed_form_without_warm_up() -> None:
    """From 0 towards 1 with decay d, after n updates: 1 - d^n."""
    average = EMA(decay=0.9, warm_up=False)
    average.attach(a_network(0.0))
    for n in range(5):
        average.update(a_network(1.0), n)
    assert torch.allclose(average.network.weight, torch.tensor(1 - 0.9**5))


def test_warm_up_forgets_the_first_weights() -> None:
    """The first decays are 1/10 and 2/11, so after two updates 1 - 1/10 * 2/11 is of the new."""
    average = EMA(decay=0.999, warm_up=True)
    average.attach(a_network(0.0))
    for n in range(2):
        average.update(a_network(1.0), n)
    assert torch.allclose(average.network.weight, torch.tensor(1 - (1 / 10) * (2 / 11)))


def test_buffers_are_copied_not_averaged() -> None:
    average = EMA(decay=0.9)
    average.attach(a_network(0.0))
    average.update(a_network(3.0), 100)
    assert average.network.seen == 3.0


def test_the_mean_is_no_part_of_the_network_it_follows() -> None:
    network = a_network(0.0)
    average = EMA()
    average.attach(network)
    assert not any(p.requires_grad for p in average.network.parameters())
    nn.init.constant_(network.weight, 5.0)
    assert average.network.weight == 0.0
