import pytest
import torch
from torch import nn

from gan_cli.networks.mlp import Discriminator, Generator
from tests.networks.counting import parameters


def test_vanilla_parameter_counts():
    """G 100-256-512-1024-784: 100*256+256 + 256*512+512 + 512*1024+1024 + 1024*784+784.

    D 784-512-256-1: 784*512+512 + 512*256+256 + 256+1.
    """
    assert parameters(Generator(100, image_size=28, channels=1)) == 1_486_352
    assert parameters(Discriminator(image_size=28, channels=1)) == 533_505


def test_cgan_parameter_counts():
    """The label adds ten inputs, 10*256 in G and 10*512 in D, and 10*10 of embedding to each."""
    G = Generator(100, image_size=28, channels=1, n_classes=10)
    D = Discriminator(image_size=28, channels=1, n_classes=10)
    assert parameters(G) == 1_486_352 + 10 * 256 + 100
    assert parameters(D) == 533_505 + 10 * 512 + 100


def test_batch_norm_variant():
    """256-512-1024 with BatchNorm and ReLU: two parameters a unit instead of a bias."""
    G = Generator(100, 28, 1, activation="relu", normalization="batch")
    assert parameters(G) == 1_486_352 + 256 + 512 + 1024
    assert [type(m) for m in G.body[:3]] == [nn.Linear, nn.BatchNorm1d, nn.ReLU]


def test_batch_norm_behind_the_activation():
    """Its units come on top: the biases stay, as no BatchNorm subtracts them."""
    G = Generator(100, 28, 1, normalization="batch", norm_placement="after_activation")
    assert parameters(G) == 1_486_352 + 2 * (256 + 512 + 1024)
    assert [type(m) for m in G.body[:3]] == [nn.Linear, nn.LeakyReLU, nn.BatchNorm1d]


def test_points():
    G = Generator(2, image_size=1, channels=2, hidden=(8,), output="linear")
    D = Discriminator(image_size=1, channels=2, hidden=(8,))
    points = G(torch.randn(500, 2) * 100)
    assert points.shape == (500, 2, 1, 1)
    assert points.abs().max() > 1
    assert D(points)[0].shape == (500,)


def test_dropout_acts_in_training_only():
    D, x = Discriminator(28, 1), torch.randn(4, 1, 28, 28)
    assert not torch.equal(D(x)[0], D(x)[0])
    D.eval()
    torch.testing.assert_close(D(x)[0], D(x)[0], rtol=0, atol=0)
    assert not any(isinstance(m, nn.Dropout) for m in Discriminator(28, 1, dropout=0.0).modules())


@pytest.mark.parametrize("sizes", [(), (5,), (5, 6, 7, 8)])
def test_any_number_of_hidden_layers(sizes):
    assert Generator(3, 4, 1, hidden=sizes)(torch.randn(2, 3)).shape == (2, 1, 4, 4)
    assert Discriminator(4, 1, hidden=sizes).feature_dim == (sizes[-1] if sizes else 16)
