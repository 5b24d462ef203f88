"""Errors as energies; sizes; what tricks append."""

import pytest
import torch
from torch import Tensor, nn

from gan_cli.networks import began
from gan_cli.networks.autoencoder import Autoencoder, ConvAutoencoder, MLPAutoencoder
from gan_cli.tricks.layers import MinibatchStddev
from tests.networks.counting import parameters


class Zero(nn.Module):
    """What comes back is black on gray: nothing."""

    def forward(self, code: Tensor) -> Tensor:
        return torch.zeros_like(code).unflatten(1, (1, 2, 2))


@pytest.mark.parametrize(
    ("error", "wanted"), [("length", 5.0), ("squared", 25 / 4), ("absolute", 7 / 4)]
)
def test_the_energy_of_an_image(error, wanted: float):
    """3 and 4 that do not come back: a length of 5."""
    network = Autoencoder(nn.Flatten(), Zero(), 4, error)
    x = torch.tensor([3.0, 4.0, 0.0, 0.0]).view(1, 1, 2, 2)
    logits, code = network(x)
    assert logits.tolist() == [-wanted]
    assert torch.equal(code, x.flatten(1))


def test_parameter_counts():
    """Each layer's weights, biases and, where it is normalised, gain and bias.

    EBGAN at 64 pixels: 4x4 kernels, 3-64-128-256 and back, 4^2 (3 64 + 64 128 + 128 256) each way.
    BEGAN at 64 pixels: figure 1 with n = 128, N_h = 64.
    """
    each_way = 16 * (3 * 64 + 64 * 128 + 128 * 256)
    biases = 64 + 128 + 256 + 128 + 64 + 3
    norms = 2 * (128 + 256 + 128 + 64)
    with torch.device("meta"):
        assert parameters(ConvAutoencoder(64, 3)) == 2 * each_way + biases + norms
        assert parameters(MLPAutoencoder(28, 1)) == 784 * 1024 * 2 + 1024 + 784 + 2 * 1024
        G, D = began.Generator(64, 64, 3), began.Discriminator(64, 3)

    def conv(size_in: int, size_out: int) -> int:
        return 9 * size_in * size_out + size_out

    decoder = 65 * 8192 + 8 * conv(128, 128) + conv(128, 3)
    sizes = [128, 256, 384, 512]
    encoder = conv(3, 128) + 8 * 8 * 512 * 64 + 64 + sum(2 * conv(n, n) for n in sizes)
    encoder += sum(conv(n, n + 128) for n in sizes[:-1])
    assert parameters(G) == decoder
    assert parameters(D) == encoder + decoder


@pytest.mark.parametrize(
    "network",
    [
        MLPAutoencoder(8, 1, hidden=(6, 4)),
        ConvAutoencoder(8, 2, width=2, depth=2),
        began.Discriminator(16, 1, width=2, code_dim=5),
    ],
)
def test_features_are_the_code_and_tricks_may_append_to_it(network: Autoencoder):
    x = torch.rand(4, *((2, 8, 8) if isinstance(network, ConvAutoencoder) else (1, 8, 8)))
    x = nn.functional.interpolate(x, 16) if isinstance(network, began.Discriminator) else x
    logits, code = network(x)
    assert logits.shape == (4,)
    assert (logits < 0).all()
    assert code.shape == (4, network.feature_dim)
    before = network.feature_dim
    MinibatchStddev(group_size=2).apply_to(network)
    logits, code = network(x)
    assert code.shape == (4, network.feature_dim) == (4, before + 1)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_sizes_that_cannot_be():
    with pytest.raises(ValueError, match="image_size=12: should be divisible by 8; choose 8 or 16"):
        ConvAutoencoder(12, 1)
    with pytest.raises(ValueError, match="image_size=38: should be divisible by 4"):
        began.Generator(4, 38, 1)
