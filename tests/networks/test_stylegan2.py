"""StyleGAN2's networks: published sizes, and styles that do what they should."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gan_cli.assembly.memory import Unfilled
from gan_cli.networks.stylegan2 import Discriminator, Generator
from gan_cli.networks.stylegan2_layers import (
    HalvingConv2d,
    Mapping,
    ModulatedConv2d,
    SmoothDoubling,
    StyledLayer,
)
from tests.networks.counting import parameters


def small(**options: float) -> Generator:
    torch.manual_seed(0)
    return Generator(
        **{"latent_dim": 6, "image_size": 8, "channels": 1} | options, style_dim=5, width=4
    )  # type: ignore[arg-type]


def test_they_are_as_large_as_the_authors():
    """Tables printed by StyleGAN2-ADA's training with --cfg=auto at 1024 pixels."""
    with torch.device("meta"), Unfilled():
        assert parameters(Generator(512, 1024, 3, width=32, mapping_depth=2)) == 28_794_124
        assert parameters(Discriminator(1024, 3, width=32)) == 29_012_513
        generator = Generator(512, 32, 3, 10, width=512, mapping_depth=2, mixing=0)
        layer, to_image = generator.styled[0], generator.to_image[0]
        assert (parameters(layer), parameters(to_image)) == (2_622_465, 264_195)
        assert generator.layer_count == 8


def test_scaling_inputs_is_scaling_weights():
    """Equations 1 and 3, with a convolution for each image."""
    torch.manual_seed(0)
    conv = ModulatedConv2d(5, 7, 3, 4)
    x, w = torch.randn(3, 5, 6, 6), torch.randn(3, 4)
    wanted = []
    for image, style in zip(x, conv.affine(w), strict=True):
        weight = conv.weight * style[None, :, None, None]
        weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        wanted.append(F.conv2d(image[None], weight, padding=1))
    torch.testing.assert_close(conv(x, w), torch.cat(wanted), atol=1e-5, rtol=1e-4)


def test_doubling_smooths_with_the_filter():
    """[1, 3, 3, 1] / 4 along an axis of zeros between pixels; constants stay, but at the edges."""
    x = torch.zeros(1, 2, 4, 4)
    x[:, :, 1, 2] = 1.0
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
    found = SmoothDoubling()(x)
    assert found.shape == (1, 2, 8, 8)
    torch.testing.assert_close(found[0, 1, 1:5, 3:7], torch.outer(row, row))
    assert found.sum().item() == pytest.approx(2 * 4.0)
    flat = SmoothDoubling()(torch.ones(1, 1, 4, 4))
    torch.testing.assert_close(flat[..., 1:-1, 1:-1], torch.ones(1, 1, 6, 6))


@pytest.mark.parametrize("kernel", [1, 3])
def test_halving_is_the_filter_then_a_convolution(kernel: int):
    torch.manual_seed(0)
    conv, x = HalvingConv2d(3, 2, kernel), torch.randn(1, 3, 8, 8)
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    smooth = F.conv2d(
        x, torch.outer(row, row).expand(3, 1, 4, 4), padding=1 + kernel // 2, groups=3
    )
    wanted = F.conv2d(smooth, conv.weight * conv.scale, conv.bias, stride=2)
    assert wanted.shape == (1, 2, 4, 4)
    torch.testing.assert_close(conv(x), wanted)


def test_mapping_learns_a_hundredth_as_fast():
    mapping = Mapping(4, 8, 0, 2)
    assert mapping.body[0].weight.std() > 50  # type: ignore[operator]
    z = torch.randn(64, 4)
    torch.testing.assert_close(mapping(z), mapping(7 * z))  # its length says nothing
    labelled = Mapping(0, 8, 3, 1)
    found = labelled(None, torch.tensor([0, 1, 2, 0]))
    assert torch.equal(found[0], found[3])
    assert not torch.equal(found[0], found[1])
    with pytest.raises(ValueError, match="needs labels"):
        labelled(None)


@pytest.mark.parametrize("size", [8, 10, 28])
def test_any_size_that_is_doubled(size: int):
    generator, discriminator = Generator(4, size, 2, 3, 4, 4), Discriminator(size, 2, 3, 4)
    y = torch.tensor([0, 2])
    images = generator(torch.randn(2, 4), y)
    assert images.shape == (2, 2, size, size)
    logits, features = discriminator(images, y)
    assert (logits.shape, features.shape) == ((2,), (2, discriminator.feature_dim))


def test_noise_is_fresh_in_training_alone():
    layer = StyledLayer(2, 2, 4, 3)
    nn.init.ones_(layer.noise_strength)
    x, w = torch.randn(1, 2, 4, 4), torch.randn(1, 3)
    assert not torch.equal(layer(x, w), layer(x, w))
    layer.eval()
    assert torch.equal(layer(x, w), layer(x, w))


def test_drawn_images_are_images():
    generator = small().eval()
    nn.init.constant_(generator.to_image[-1].bias, 3.0)
    assert generator(torch.randn(2, 6)).max() == 1.0
    assert generator.train()(torch.randn(2, 6)).max() > 1.0


def test_the_mean_style_follows_in_training_alone():
    generator = small(mixing=0.0)
    z = torch.randn(9, 6)
    mean = generator.mapping(z).mean(0)
    generator.eval().styles(z)
    assert not generator.style_mean.any()
    generator.train().styles(z)
    torch.testing.assert_close(generator.style_mean, 0.005 * mean)


def test_mixed_styles_change_once():
    generator = small(mixing=0.5)
    z = torch.randn(200, 6)
    own = generator.mapping(z)
    other = (generator.styles(z) != own[:, None]).any(2)  # [N, L], whether it is another's
    assert not other[:, 0].any()
    assert torch.equal(other, other.cummax(1).values)
    assert 0.3 < other[:, -1].float().mean() < 0.7
    assert set(other.sum(1).tolist()) == set(range(generator.layer_count))
    assert not (small(mixing=0.0).styles(z) != own[:, None]).any()


@pytest.mark.parametrize("architecture", ["original", "residual"])
def test_d_can_be_differentiated_twice(architecture: str):
    d = Discriminator(8, 1, 2, 3, 4, architecture, 2).double()  # type: ignore[arg-type]
    x = torch.randn(4, 1, 8, 8, dtype=torch.double, requires_grad=True)
    y = torch.tensor([0, 1, 1, 0])
    assert torch.autograd.gradgradcheck(lambda x: d(x, y)[0].sum(), x, fast_mode=True)


def test_d_sees_its_batch():
    d = Discriminator(8, 1, width=4, stddev_group=2)
    x = torch.randn(1, 1, 8, 8)
    together = d(torch.cat([x, torch.randn(1, 1, 8, 8)]))[0][0]
    assert together != d(torch.cat([x, x]))[0][0]
    alone = Discriminator(8, 1, width=4, stddev_group=0)
    torch.testing.assert_close(alone(torch.cat([x, -x]))[0][0], alone(x)[0][0])
