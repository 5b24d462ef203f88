"""A network that was asked is the network it was."""

import contextlib
import copy

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_cli.networks.untouched import call_untouched, preserved_buffers


def test_the_answer_is_the_networks_own_and_no_buffer_moves() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(spectral_norm(nn.Linear(3, 4)), nn.BatchNorm1d(4)).train()
    before = copy.deepcopy(network)
    x = torch.randn(8, 3) + 5
    said = call_untouched(network, x)
    for (name, now), (_, then) in zip(
        network.state_dict().items(), before.state_dict().items(), strict=True
    ):
        assert torch.equal(now, then), name
    assert network.training
    assert torch.equal(said, before(x))
    assert not torch.equal(before[1].running_mean, network[1].running_mean)  # a plain call moves


def test_other_weights_may_stand_in() -> None:
    network = nn.Linear(2, 1, bias=False)
    x = torch.tensor([[1.0, 2.0]])
    assert call_untouched(network, x, weights={"weight": torch.tensor([[3.0, 4.0]])}).item() == 11


def test_buffers_are_as_they_were_whatever_happens_inside() -> None:
    torch.manual_seed(0)
    networks = [nn.Sequential(spectral_norm(nn.Linear(3, 4)), nn.BatchNorm1d(4)) for _ in range(2)]
    before = [copy.deepcopy(network.state_dict()) for network in networks]
    places = [b.data_ptr() for network in networks for b in network.buffers()]
    with contextlib.suppress(KeyError), preserved_buffers(*networks):
        for network in networks:
            network(torch.randn(8, 3) + 5)
            assert not torch.equal(network[1].running_mean, torch.zeros(4))
        raise KeyError
    for network, then in zip(networks, before, strict=True):
        for name, now in network.state_dict().items():
            assert torch.equal(now, then[name]), name
    assert places == [b.data_ptr() for network in networks for b in network.buffers()]
