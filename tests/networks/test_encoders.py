"""The networks of BiGAN, ALI, VAE/GAN and AC-GAN: sizes, shapes, what they take in."""

from itertools import pairwise

import pytest
import torch

from gan_cli.networks import acgan, ali, bigan, vaegan
from tests.networks.counting import parameters


def test_parameter_counts():
    """Layer by layer, as the papers' tables and code have them."""
    with torch.device("meta"):
        # BiGAN: no biases, and BatchNorm has neither gain nor bias
        assert parameters(bigan.Generator(50, 28, 1)) == 1024 * (50 + 1024 + 784)
        assert parameters(bigan.Encoder(50, 28, 1)) == 1024 * (784 + 1024 + 50)
        assert parameters(bigan.Discriminator(50, 28, 1)) == 1024 * (784 + 1024 + 50 + 1)
        # ALI, table 4: convolutions 5-4-4-4-4-1, gain and bias of each BatchNorm
        deep = 16 * (32 * 64 + 64 * 128 + 128 * 256 + 256 * 512)
        norms = 2 * (32 + 64 + 128 + 256)
        assert parameters(ali.Encoder(64, 32, 3)) == (
            25 * 3 * 32 + deep + 512 * 512 + norms + 4 * 512 + 513 * 128
        )
        up = 16 * (64 * 256 + 256 * 128 + 128 * 64 + 64 * 32) + 25 * 32 * 32 + 32 * 32
        assert parameters(ali.Generator(64, 32, 3)) == up + norms + 4 * 32 + 33 * 3
        of_x = 2 * (25 * 3 * 32 + 32 + deep)
        of_z, joint = 2 * (64 * 512 + 512 * 512), 2 * 1025 * 2048
        assert parameters(ali.Discriminator(64, 32, 3)) == of_x + of_z + joint + 1025
        # VAE/GAN, table 1, at 64 pixels
        assert parameters(vaegan.Encoder(128, 64, 3)) == (
            25 * (3 * 64 + 64 * 128 + 128 * 256) + 256 * 64 * 1024 + 2 * (448 + 1024) + 1025 * 256
        )
        assert parameters(vaegan.Generator(128, 64, 3)) == (
            128 * 16384 + 25 * (256 * 256 + 256 * 128 + 128 * 32 + 32 * 3) + 3
        ) + 2 * (16384 + 256 + 128 + 32)
        assert parameters(vaegan.Discriminator(64, 3)) == (
            25 * (3 * 32 + 32 * 128 + 128 * 256 + 256 * 256) + 32 + 256 * 64 * 512 + 513
        ) + 2 * (128 + 256 + 256 + 512)
        # AC-GAN, appendix A: 110-384-192-96-3 and 3x3 convolutions of 16 to 512
        assert parameters(acgan.Generator(100, 32, 3, 10)) == (
            111 * 6144 + 100 + 25 * (384 * 192 + 192 * 96 + 96 * 3) + 3 * (192 + 96) + 3
        )
        sizes = [3, 16, 32, 64, 128, 256, 512]
        convs = sum(9 * a * b + b for a, b in pairwise(sizes))
        assert parameters(acgan.Discriminator(32, 3)) == convs + 2 * sum(sizes[2:]) + 8193


@pytest.mark.parametrize(
    ("family", "size", "gaussian"), [(bigan, 6, False), (ali, 32, True), (vaegan, 16, True)]
)
def test_there_and_back(family, size: int, gaussian: bool):
    G, E = family.Generator(5, size, 2, width=2), family.Encoder(5, size, 2, width=2)
    z = torch.randn(3, 5)
    x = G(z)
    assert x.shape == (3, 2, size, size)
    assert x.abs().max() <= 1
    code = E(x)
    assert (code.shape, E.gaussian) == ((3, 10 if gaussian else 5), gaussian)
    assert torch.equal(E.head(E.body(x)), code)
    assert E.sample(x).shape == (3, 5)


@pytest.mark.parametrize(("family", "size"), [(bigan, 6), (ali, 32)])
def test_a_joint_d_sees_image_and_z(family, size: int):
    D = family.Discriminator(5, size, 1, width=2).eval()
    with torch.no_grad():
        for p in D.parameters():
            p.normal_()
    x, z = torch.rand(2, 1, size, size), torch.randn(2, 5)
    logits, features = D(x, z)
    assert logits.shape == (2,)
    assert features.shape == (2, D.feature_dim)
    assert not torch.allclose(D(x, -z)[0], logits)
    assert not torch.allclose(D(-x, z)[0], logits)


def test_likeness_is_a_part_of_d():
    """Before the last BatchNorm of the convolutions, and no second set of weights."""
    D = vaegan.Discriminator(16, 1, width=2)
    x = torch.rand(3, 1, 16, 16)
    alike = D.likeness(x)
    assert alike.shape == (3, 8 * 4)
    names = [name for name, _ in D.named_parameters()]
    assert len(names) == len(set(D.state_dict()) & set(names))
    torch.testing.assert_close(D.body[0](x).flatten(1), alike)


def test_sizes_that_cannot_be():
    with pytest.raises(ValueError, match="image_size=28: these networks are of 32 pixels; take"):
        ali.Generator(4, 28, 1)
    for build in (lambda: acgan.Discriminator(28, 1), lambda: vaegan.Encoder(4, 28, 1)):
        with pytest.raises(ValueError, match=r"image_size=28: .* divisible by 8; choose 24 or 32"):
            build()
