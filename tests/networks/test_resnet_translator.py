import pytest
import torch
from torch import nn

from gan_cli.networks.resnet_translator import ResNetTranslator
from tests.networks.counting import parameters


def test_published_size():
    """49 * 3 * 64 + 9 * (64*128 + 128*256 + 18 * 256*256 + 256*128 + 128*64) + 49 * 64 * 3, and
    biases: 11.378M. Six blocks at 128x128 leave 7.838M.
    """
    assert parameters(ResNetTranslator(3, 3)) == 11_378_179
    assert parameters(ResNetTranslator(3, 3, blocks=6)) == 11_378_179 - 6 * (9 * 256 * 256 + 256)


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (20, 36)])
def test_shapes_and_range(size):
    network = ResNetTranslator(1, 3, width=2, blocks=1)
    made = network(torch.rand(2, 1, *size))
    assert made.shape == (2, 3, *size)
    assert made.abs().max() <= 1


def test_a_constant_image_has_no_frame():
    """Reflected borders look like any other place, but for the doublings' own zeros."""
    network = ResNetTranslator(1, 1, width=4, blocks=2).eval()
    inner = nn.Sequential(*network.body[:2])  # the first convolution
    made = inner(torch.full((1, 1, 16, 16), 0.7))
    torch.testing.assert_close(made, made[..., :1, :1].expand_as(made))


def test_norms_have_neither_gain_nor_bias_nor_memory():
    network = ResNetTranslator(1, 1, width=4, blocks=2)
    norms = [m for m in network.modules() if isinstance(m, nn.InstanceNorm2d)]
    assert len(norms) == 1 + 2 + 2 * 2 + 2
    assert not any(m.affine or m.track_running_stats for m in norms)


def test_weights_are_drawn_narrow():
    network = ResNetTranslator(3, 3, width=32, blocks=2)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
            assert layer.bias.abs().max() == 0
