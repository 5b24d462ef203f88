"""The autoencoder with a codebook: sizes, nearest entries, the gradient that goes straight on."""

import pytest
import torch

from gan_cli.assembly.memory import Unfilled
from gan_cli.networks.vqgan import CodedAutoencoder


@pytest.fixture(scope="module")
def small() -> CodedAutoencoder:
    torch.manual_seed(0)
    return CodedAutoencoder(1, width=8, multipliers=(1, 2), blocks=1, entries=5, entry_dim=3)


def test_parameters_of_the_published_size():
    """By the authors' tables: 29.298M to encode, 42.450M to decode, two 1x1, 1024 x 256."""
    with torch.device("meta"), Unfilled():
        network = CodedAutoencoder(3)
    parts = [
        sum(p.numel() for p in part.parameters()) for part in (network.encoder, network.decoder)
    ]
    assert parts == [29_298_176, 42_449_795]
    assert sum(p.numel() for p in network.parameters()) == 72_141_699
    assert network.halvings == 4


def test_every_place_takes_its_nearest_entry(small: CodedAutoencoder):
    encoding = torch.randn(2, 3, 4, 6)
    flat = encoding.permute(0, 2, 3, 1).reshape(-1, 3)
    wanted = torch.cdist(flat, small.codebook.weight).argmin(1).view(2, 4, 6)
    assert torch.equal(small.nearest(encoding), wanted)


def test_images_become_entries_and_come_back(small: CodedAutoencoder):
    x = torch.rand(2, 1, 8, 12) * 2 - 1
    coded = small.encode(x)
    assert coded.chosen.shape == (2, 4, 6)
    assert coded.entry.shape == coded.encoding.shape == (2, 3, 4, 6)
    assert torch.allclose(coded.quantized, coded.entry, atol=1e-6)
    assert torch.equal(coded.entry[:, :, 0, 0], small.codebook.weight[coded.chosen[:, 0, 0]])
    assert small(x).shape == x.shape


def test_gradients_go_straight_on_to_the_encoder(small: CodedAutoencoder):
    coded = small.encode(torch.rand(1, 1, 4, 4))
    (gradient,) = torch.autograd.grad(coded.quantized.sum(), coded.encoding, retain_graph=True)
    assert torch.equal(gradient, torch.ones_like(gradient))
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(coded.quantized.sum(), small.codebook.weight)


def test_the_last_layer_is_the_one_that_makes_pixels(small: CodedAutoencoder):
    assert small.last_layer.shape == (1, 8, 3, 3)


def test_a_size_that_cannot_be_halved_is_refused(small: CodedAutoencoder):
    with pytest.raises(ValueError, match="5x4 pixels cannot be halved 1 times"):
        small.encode(torch.rand(1, 1, 5, 4))


def test_entries_begin_close_to_zero():
    weights = CodedAutoencoder(1, 4, (1,), 1, entries=50, entry_dim=4).codebook.weight
    assert 0.01 < float(weights.detach().abs().max()) <= 1 / 50
