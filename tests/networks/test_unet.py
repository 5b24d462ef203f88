import pytest
import torch
from torch import nn

from gan_cli.networks.unet import UNet
from tests.networks.counting import parameters


def test_published_size():
    """16 * (3*64 + 64*128 + 128*256 + 256*512 + 4 * 512*512) down,
    16 * (512*512 + 3 * 1024*512 + 1024*256 + 512*128 + 256*64 + 128*3) + 3 up, and of BatchNorm
    2 * (128 + 256 + 4*512 - 512 + 4*512 + 256 + 128 + 64): 54.41M, as the authors count it.
    """
    down = 3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 4 * 512 * 512
    up = 512 * 512 + 3 * 1024 * 512 + 1024 * 256 + 512 * 128 + 256 * 64 + 128 * 3
    norms = 128 + 256 + 4 * 512 + 4 * 512 + 256 + 128 + 64
    network = UNet(256, in_channels=3, out_channels=3)
    assert parameters(network) == 16 * (down + up) + 3 + 2 * norms == 54_413_955


@pytest.mark.parametrize(
    ("image_size", "depth", "innermost"),
    [(32, 5, 1), (28, 2, 7), (48, 4, 3), (512, 8, 2), (6, 1, 3)],
)
def test_halves_as_often_as_it_can(image_size, depth, innermost):
    network = UNet(image_size, 1, 3, width=2, max_width=4)
    assert len(network.down) == depth
    sizes = []
    network.down[-1].register_forward_hook(lambda _, __, output: sizes.append(output.shape[-1]))
    made = network(torch.rand(2, 1, image_size, image_size))
    assert made.shape == (2, 3, image_size, image_size)
    assert made.abs().max() <= 1
    assert sizes == [innermost]


def test_every_level_reaches_the_output_by_its_own_skip():
    """With the innermost map cut off, what the first convolutions see still comes through."""
    network = UNet(16, 1, 1, width=4, depth=3, dropout=0.0).eval()
    network.down[-1].register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    x = torch.rand(1, 1, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x).sum(), x)
    assert gradient.abs().min() > 0


def test_every_parameter_learns():
    network = UNet(32, 1, 1, width=4, normalization="instance")
    network(torch.rand(2, 1, 32, 32)).square().sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:  # InstanceNorm subtracts biases
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("image_size", "asked", "dropping"), [(256, 3, 3), (32, 3, 3), (8, 3, 1)])
def test_dropout_stands_above_the_innermost(image_size, asked, dropping):
    network = UNet(image_size, 1, 1, width=2, max_width=4, dropout_blocks=asked)
    assert [isinstance(block[-1], nn.Dropout) for block in network.up] == [False] + [
        i < dropping for i in range(len(network.up) - 1)
    ]


def test_no_norm_behind_the_first_and_the_innermost_convolution():
    network = UNet(16, 1, 1, width=4)
    assert isinstance(network.down[0], nn.Conv2d)
    kinds = [type(block[-1]) for block in network.down[1:]]
    assert kinds == [nn.BatchNorm2d, nn.BatchNorm2d, nn.Identity]


def test_sizes_that_cannot_be():
    with pytest.raises(ValueError, match="depth=3: image_size=28 can be halved at most 2 times"):
        UNet(28, 1, 1, depth=3)
    with pytest.raises(ValueError, match="image_size=15 can be halved not at all: take an even"):
        UNet(15, 1, 1)
    with pytest.raises(ValueError, match="max_width=8 is below width=64"):
        UNet(32, 1, 1, max_width=8)
