import pytest
import torch
from torch import nn

from gan_cli.networks.dcgan import Discriminator, Generator
from tests.networks.counting import parameters


def test_parameter_counts_at_32():
    """G 100-512-256-128-1 with BatchNorm behind all but the last layer:
    16 * (100*512 + 512*256 + 256*128 + 128*1) + 2 * (512 + 256 + 128) = 3,444,480.

    D 1-128-256-512-1 with BatchNorm behind the two in the middle:
    16 * (1*128 + 128*256 + 256*512 + 512*1) + 2 * (256 + 512) = 2,633,216.
    """
    assert parameters(Generator(100, image_size=32, channels=1)) == 3_444_480
    assert parameters(Discriminator(image_size=32, channels=1)) == 2_633_216


def test_parameter_counts_at_64():
    """The original width, 100-1024-512-256-128-3 and back:
    16 * (100*1024 + 1024*512 + 512*256 + 256*128 + 128*3) + 2 * (1024+512+256+128) = 12,658,432,
    16 * (3*128 + 128*256 + 256*512 + 512*1024 + 1024) + 2 * (256 + 512 + 1024) = 11,036,160.

    The tutorials' width, 100-512-256-128-64-3 and back:
    16 * (100*512 + 512*256 + 256*128 + 128*64 + 64*3) + 2 * (512+256+128+64) = 3,576,704,
    16 * (3*64 + 64*128 + 128*256 + 256*512 + 512) + 2 * (128 + 256 + 512) = 2,765,568.
    """
    assert parameters(Generator(100, 64, 3)) == 12_658_432
    assert parameters(Discriminator(64, 3)) == 11_036_160
    assert parameters(Generator(100, 64, 3, width=64)) == 3_576_704
    assert parameters(Discriminator(64, 3, width=64)) == 2_765_568


def test_28_starts_at_7():
    """16 * (256*128 + 128*1) + 7*7 * 100*256 + 2 * (256 + 128) = 1,781,504."""
    assert parameters(Generator(100, image_size=28, channels=1)) == 1_781_504
    assert Discriminator(image_size=28, channels=1).feature_dim == 256 * 7 * 7


def test_width_is_capped():
    widest = [m.num_features for m in Generator(8, 128, 1).modules() if hasattr(m, "num_features")]
    assert widest == [1024, 1024, 512, 256, 128]


def test_no_normalization_at_output_and_input():
    G, D = Generator(8, 32, 1, width=4), Discriminator(32, 1, width=4)
    assert isinstance(G.body[-2], nn.ConvTranspose2d)
    assert isinstance(D.body[1], nn.LeakyReLU)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in G.modules()) == 3
    assert sum(isinstance(m, nn.BatchNorm2d) for m in D.modules()) == 2


def test_biases_only_without_normalization():
    """One for each convolution and one for the head: 4 + 8 + 16 + 1."""
    plain = Discriminator(32, 1, width=4, normalization="layer")
    assert not any(m.bias is not None for m in plain.modules() if isinstance(m, nn.Conv2d))
    assert plain.head.linear.bias is None
    unnormalised = Discriminator(32, 1, width=4, normalization="none")
    assert parameters(unnormalised) == parameters(plain) - 2 * (8 + 16) + (4 + 8 + 16 + 1)


def test_weights_start_narrow():
    torch.manual_seed(0)
    for network in (Generator(100, 32, 1), Discriminator(32, 1)):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("normalization", ["instance", "layer", "group", "none"])
def test_critic_judges_each_picture_alone(normalization):
    torch.manual_seed(0)
    D = Discriminator(16, 1, width=8, normalization=normalization)
    x = torch.randn(4, 1, 16, 16)
    together, alone = D(x)[0], torch.cat([D(x[i : i + 1])[0] for i in range(4)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_batch_norm_judges_them_together():
    D = Discriminator(16, 1, width=8)
    x = torch.randn(4, 1, 16, 16)
    changed = torch.cat([x[:1], 5 * x[1:]])
    assert not torch.allclose(D(x)[0][0], D(changed)[0][0], atol=1e-6)


def test_depth_sets_the_first_map():
    G, D = Generator(8, 32, 1, width=4, depth=2), Discriminator(32, 1, width=4, depth=2)
    assert G(torch.randn(2, 8)).shape == (2, 1, 32, 32)
    assert D.feature_dim == 8 * 8 * 8


def test_an_impossible_size_lists_possible_ones():
    for make in (lambda: Generator(8, 30, 1), lambda: Discriminator(30, 1)):
        with pytest.raises(ValueError, match=r"image_size=30: .* 28, 32 \(nearest\)"):
            make()


def test_conditioning_by_projection():
    """An embedding of ten labels in all features: 10 * 512*4*4 more parameters than without."""
    D = Discriminator(32, 1, n_classes=10)
    assert parameters(D) == 2_633_216 + 10 * 512 * 16


def test_conditioning_by_channels():
    """One more input channel, 16*128, and a plane of 32*32 numbers a label."""
    torch.manual_seed(0)
    D = Discriminator(32, 1, n_classes=10, conditioning="channels")
    assert parameters(D) == 2_633_216 + 16 * 128 + 10 * 32 * 32
    x = torch.randn(1, 1, 32, 32).expand(2, -1, -1, -1)
    D.eval()
    a, b = D(x, torch.tensor([3, 4]))[1]
    assert not torch.allclose(a, b, atol=1e-6)


def test_conditioning_without_labels_changes_nothing():
    D = Discriminator(32, 1, n_classes=0, conditioning="channels")
    assert parameters(D) == 2_633_216
