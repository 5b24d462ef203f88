import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gan_cli.networks.layers import ConditionalBatchNorm2d
from gan_cli.networks.resnet import Discriminator, DownBlock, Generator, UpBlock
from tests.networks.counting import parameters


def test_sngan_parameter_counts_at_32():
    """Table 4 of Miyato et al. 2018, z of 128, 3x3 convolutions and 1x1 shortcuts with biases.

    G: dense 128 -> 4*4*256      128*4096 + 4096                           =   528,384
       three blocks 256-256      2*(9*65,536 + 256) + 65,536 + 256 + 4*256 = 1,246,976 each
       BatchNorm 256, 3x3 256-3  512 + 6,912 + 3                           =     7,427
    D: first block 3-128         9*384 + 128 + 9*16,384 + 128 + 384 + 128  =   151,680
       halving block 128-128     2*(9*16,384 + 128) + 16,384 + 128         =   311,680
       two flat blocks           2*(9*16,384 + 128)                        =   295,168 each
       dense                     128 + 1                                   =       129
    """
    assert parameters(Generator(128, 32, 3)) == 528_384 + 3 * 1_246_976 + 7_427
    assert parameters(Discriminator(32, 3)) == 151_680 + 311_680 + 2 * 295_168 + 129


def test_wgan_gp_parameter_counts_at_32():
    """Gulrajani et al. 2017, appendix: the same blocks 128 wide in G.

    G: dense 128 -> 4*4*128      128*2048 + 2048                           = 264,192
       three blocks 128-128      2*(9*16,384 + 128) + 16,384 + 128 + 4*128 = 312,192 each
       BatchNorm 128, 3x3 128-3  256 + 3,456 + 3                           =   3,715
    """
    G = Generator(128, 32, 3, width=128, max_width=128)
    assert parameters(G) == 264_192 + 3 * 312_192 + 3_715


def down(size_in: int, size_out: int, hidden: int) -> int:
    """3x3 size_in-hidden-size_out and a 1x1 shortcut, with biases."""
    return (
        (9 * size_in * hidden + hidden)
        + (9 * hidden * size_out + size_out)
        + (size_in * size_out + size_out)
    )


def up(size_in: int, size_out: int) -> int:
    """3x3 size_in-size_out-size_out, a 1x1 shortcut, BatchNorm at size_in and at size_out."""
    return down(size_in, size_out, hidden=size_out) + 2 * size_in + 2 * size_out


def test_parameter_counts_at_48():
    """Table 5 of Miyato et al. 2018: G dense to 6*6*512, 512-256-128-64;
    D 64-128-256-512 halving, 1024 flat, dense."""
    G = Generator(128, 48, 3, width=64, max_width=512)
    D = Discriminator(48, 3, width=64, max_width=1024, downsamplings=4, flat_blocks=1)
    stem, out = 129 * 6 * 6 * 512, 2 * 64 + 9 * 64 * 3 + 3
    assert parameters(G) == stem + up(512, 256) + up(256, 128) + up(128, 64) + out
    halving = down(3, 64, 64) + down(64, 128, 64) + down(128, 256, 128) + down(256, 512, 256)
    assert parameters(D) == halving + down(512, 1024, 512) + 1025


def test_parameter_counts_at_64():
    """The projection discriminator's networks: G dense to 4*4*1024, 1024-512-256-128-64;
    D 64-128-256-512-1024, all halving."""
    G = Generator(128, 64, 3, width=64, max_width=1024)
    D = Discriminator(64, 3, width=64, max_width=1024, downsamplings=5, flat_blocks=0)
    stem, out = 129 * 4 * 4 * 1024, 2 * 64 + 9 * 64 * 3 + 3
    blocks = up(1024, 512) + up(512, 256) + up(256, 128) + up(128, 64)
    assert parameters(G) == stem + blocks + out
    halving = down(3, 64, 64) + down(64, 128, 64) + down(128, 256, 128) + down(256, 512, 256)
    assert parameters(D) == halving + down(512, 1024, 512) + 1025


def test_labels_add_gains_and_biases_per_class():
    """Six conditional norms of 16 channels hold 2*16 for each of ten classes instead of once."""
    plain = Generator(8, 32, 3, width=16, max_width=16)
    labelled = Generator(8, 32, 3, n_classes=10, width=16, max_width=16)
    assert parameters(labelled) == parameters(plain) + 6 * 2 * 16 * 9
    D = Discriminator(32, 3, n_classes=10, width=16, max_width=16)
    assert isinstance(D.head.embedding, nn.Embedding)


def test_up_block_matches_the_paper_order():
    """The papers upsample before the shortcut's convolution; here it is after, for a quarter."""
    torch.manual_seed(0)
    block, x = UpBlock(4, 6, lambda size: ConditionalBatchNorm2d(size, 0)), torch.randn(2, 4, 5, 5)
    block.eval()
    h = block.conv1(F.interpolate(F.relu(block.norm1(x)), scale_factor=2.0))
    h = block.conv2(F.relu(block.norm2(h)))
    expected = h + block.shortcut(F.interpolate(x, scale_factor=2.0))
    torch.testing.assert_close(block(x), expected)


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


def test_down_block_matches_the_paper_order():
    """The papers pool behind the shortcut's convolution; here it is before, for a quarter."""
    torch.manual_seed(0)
    block, x = DownBlock(4, 6, "none", halve=True), torch.randn(2, 4, 8, 8)
    conv1, conv2, shortcut = convolutions(block)
    h = conv2(F.relu(conv1(F.relu(x))))
    torch.testing.assert_close(block(x), F.avg_pool2d(h + shortcut(x), 2))


def test_first_block_sees_the_picture_uncut():
    torch.manual_seed(0)
    block, x = DownBlock(3, 6, "none", halve=True, first=True), torch.randn(2, 3, 8, 8)
    conv1, conv2, shortcut = convolutions(block)
    h = conv2(F.relu(conv1(x)))
    torch.testing.assert_close(block(x), F.avg_pool2d(h, 2) + shortcut(F.avg_pool2d(x, 2)))


def test_flat_block_of_constant_width_has_an_identity_shortcut():
    block, x = DownBlock(4, 4, "none", halve=False), torch.randn(2, 4, 8, 8)
    conv1, conv2 = convolutions(block)
    torch.testing.assert_close(block(x), x + conv2(F.relu(conv1(F.relu(x)))))


@pytest.mark.parametrize(("image_size", "left"), [(8, 4), (28, 7), (32, 8), (48, 6), (64, 8)])
def test_halves_until_8_pixels_or_fewer_are_left(image_size, left):
    D = Discriminator(image_size, 1, width=4, max_width=4)
    assert D.body[:-1](torch.zeros(1, 1, image_size, image_size)).shape[2:] == (left, left)


def test_pooling():
    """A sum over the 8x8 map is 64 times its mean."""
    torch.manual_seed(0)
    of_sum = Discriminator(32, 1, width=4, max_width=4)
    of_mean = Discriminator(32, 1, width=4, max_width=4, pooling="mean")
    of_mean.load_state_dict(of_sum.state_dict())
    x = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(of_sum(x)[1], 64 * of_mean(x)[1])


@pytest.mark.parametrize("normalization", ["instance", "layer", "group", "none"])
def test_critic_judges_each_picture_alone(normalization):
    torch.manual_seed(0)
    D = Discriminator(16, 1, width=8, max_width=8, normalization=normalization)
    x = torch.randn(4, 1, 16, 16)
    alone = torch.cat([D(x[i : i + 1])[0] for i in range(4)])
    torch.testing.assert_close(D(x)[0], alone, rtol=1e-4, atol=1e-4)


def test_normalization_is_in_all_blocks_but_the_first():
    D = Discriminator(32, 1, width=4, max_width=4, normalization="layer")
    in_blocks = [sum(isinstance(m, nn.GroupNorm) for m in block.modules()) for block in D.body[:4]]
    assert in_blocks == [0, 2, 2, 2]


def test_weights_start_as_published():
    """Glorot's uniform: variance 2 / (fan_in + fan_out), twice that in residual branches."""
    torch.manual_seed(0)
    block = DownBlock(64, 64, "none", halve=True)
    conv1, _, shortcut = convolutions(block)
    assert conv1.weight.var().item() == pytest.approx(2 * 2 / (9 * 128), rel=0.05)
    assert shortcut.weight.var().item() == pytest.approx(2 / 128, rel=0.1)
    assert conv1.bias.abs().max() == 0


def test_impossible_sizes_and_downsamplings():
    for make in (lambda: Generator(8, 30, 1), lambda: Discriminator(30, 1)):
        with pytest.raises(ValueError, match=r"image_size=30: .* 28, 32 \(nearest\)"):
            make()
    with pytest.raises(ValueError, match="downsamplings=3: image_size=28 "):
        Discriminator(28, 1, downsamplings=3)
