"""R3GAN's networks."""

import math

import pytest
import torch
from torch.nn import functional as F

from gan_cli.networks.r3gan import Discriminator, Generator, GroupedBlock
from gan_cli.networks.resampling import SmoothDown, SmoothUp
from tests.networks.counting import parameters

BLOCK = 768 * 1536 + 1536 + 9 * 16 * 1536 + 1536 + 1536 * 768
"""1x1 to twice 768, 3x3 in groups of 16, biases of both, 1x1 back."""
NARROW = {"width": 4, "max_width": 8, "blocks": 1, "group_size": 4}


def test_parameter_counts_at_32():
    """The paper's 20.8 and 21.3 million, eight blocks and what stands around them.

    G: map 16*768, dense (64 + 64)*768, ten classes of 64, 1x1 768-3
    D: 1x1 3-768, depthwise 16*768, dense 768*768, ten classes of 768
    """
    with torch.device("meta"):
        G, D = Generator(64, 32, 3, 10), Discriminator(32, 3, 10)
    assert parameters(G) == 8 * BLOCK + 16 * 768 + 128 * 768 + 640 + 3 * 768 == 20_781_952
    assert parameters(D) == 8 * BLOCK + 3 * 768 + 16 * 768 + 768**2 + 7680 == 21_280_512


def test_parameter_counts_at_64():
    """FFHQ: half as wide at 64 pixels, no classes."""
    half = 384 * 768 + 768 + 9 * 16 * 768 + 768 + 768 * 384
    with torch.device("meta"):
        G, D = Generator(64, 64, 3, width=384), Discriminator(64, 3, width=384)
    both = 8 * BLOCK + 2 * half + 384 * 768 + 3 * 384 + 16 * 768
    assert parameters(G) == both + 64 * 768
    assert parameters(D) == both + 768


def test_blocks_begin_as_the_identity():
    """Behind two convolutions of gain sqrt(2 / 1.04) 8^(-1/4) stands one of zero."""
    torch.manual_seed(0)
    block, x = GroupedBlock(64, 16, total=8), torch.randn(2, 64, 4, 4)
    assert torch.equal(block(x), x)
    for conv, fan_in in ((block.residual[0], 64), (block.residual[2], 144)):
        wanted = math.sqrt(2 / 1.04) * 8**-0.25 / math.sqrt(fan_in)
        assert float(conv.weight.detach().std()) == pytest.approx(wanted, rel=0.05)


def test_resampling_is_a_convolution_with_1331():
    x = torch.randn(2, 3, 8, 8)
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    kernel = torch.outer(row, row).expand(3, 1, 4, 4)
    spread = torch.zeros(2, 3, 16, 16)
    spread[:, :, ::2, ::2] = x
    up = F.conv2d(F.pad(spread, (2, 1, 2, 1)), 4 * kernel, groups=3)
    torch.testing.assert_close(SmoothUp(3)(x), up)
    torch.testing.assert_close(SmoothDown(8)(x), F.conv2d(x, kernel, None, 2, 1, 1, 3))


@pytest.mark.parametrize(("image_size", "channels", "n_classes"), [(8, 1, 0), (28, 3, 3)])
def test_shapes(image_size, channels, n_classes):
    G = Generator(5, image_size, channels, n_classes, **NARROW)
    D = Discriminator(image_size, channels, n_classes, **NARROW)
    y = torch.tensor([0, 2]) if n_classes else None
    x = G(torch.randn(2, 5), y)
    assert x.shape == (2, channels, image_size, image_size)
    logits, features = D(x, y)
    assert logits.shape == (2,)
    assert features.shape == (2, D.feature_dim)
    assert (G.n_classes, D.n_classes) == (n_classes, n_classes)


def test_groups_that_do_not_come_out_even():
    with pytest.raises(ValueError, match="group_size=16 does not divide 12, twice a width of 6"):
        Generator(5, 8, 1, width=6, max_width=6)
