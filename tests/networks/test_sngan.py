import torch
from torch import nn

from gan_cli.networks.sngan import Discriminator, Generator
from tests.networks.counting import parameters


def test_parameter_counts_at_32():
    """Table 3 of Miyato et al. 2018 with z of 128, biases everywhere.

    G: dense 128 -> 4*4*512           128*8192 + 8192                     = 1,056,768
       4x4 512-256, 256-128, 128-64   16 * (131,072 + 32,768 + 8,192)     = 2,752,512
       their biases and BatchNorms    3 * (256 + 128 + 64)                =     1,344
       3x3 64-3                       9 * 192 + 3                         =     1,731

    D: 3x3 3-64, 64-128, 128-256, 256-512
                                      9 * (192 + 8,192 + 32,768 + 131,072) = 1,550,016
       4x4 64-64, 128-128, 256-256    16 * (4,096 + 16,384 + 65,536)       = 1,376,256
       biases                         2 * (64 + 128 + 256) + 512           =     1,408
       dense 4*4*512 -> 1             8,192 + 1                            =     8,193
    """
    assert parameters(Generator(128, 32, 3)) == 1_056_768 + 2_752_512 + 1_344 + 1_731
    assert parameters(Discriminator(32, 3)) == 1_550_016 + 1_376_256 + 1_408 + 8_193


def test_stl_starts_at_6():
    G, D = Generator(128, 48, 3), Discriminator(48, 3)
    assert G.body[1].unflattened_size == (512, 6, 6)
    assert D.feature_dim == 512 * 6 * 6


def test_slope_is_a_tenth():
    D = Discriminator(32, 3, width=4)
    assert {m.negative_slope for m in D.modules() if isinstance(m, nn.LeakyReLU)} == {0.1}


def test_critic_judges_each_picture_alone():
    torch.manual_seed(0)
    D, x = Discriminator(16, 1, width=8), torch.randn(4, 1, 16, 16)
    alone = torch.cat([D(x[i : i + 1])[0] for i in range(4)])
    torch.testing.assert_close(D(x)[0], alone, rtol=1e-4, atol=1e-5)
