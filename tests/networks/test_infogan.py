import pytest
import torch
from torch import nn

from gan_cli.networks.infogan import CodeHead, Discriminator, Generator
from tests.networks.counting import parameters


def test_parameter_counts():
    """G 74-1024-6272, then 16 * (128*64 + 64*1) + 1, and two for each BatchNorm's unit.

    D 16 * (1*64 + 64*128) + 64 + 6272*1024, BatchNorm of 128 and 1024, and 1024 + 1.
    Q beside it 1024*128, BatchNorm of 128, and 129 for each of 12 codes.
    """
    assert parameters(Generator(74, 28, 1)) == (
        74 * 1024 + 1024 * 6272 + 16 * (128 * 64 + 64) + 1 + 2 * (1024 + 6272 + 64)
    )
    assert parameters(Discriminator(28, 1)) == (
        16 * (64 + 64 * 128) + 64 + 6272 * 1024 + 2 * (128 + 1024) + 1025
    )
    assert parameters(CodeHead(1024, 10, 2)) == 1024 * 128 + 2 * 128 + 129 * 12


@pytest.mark.parametrize(("categories", "continuous"), [(10, 2), (0, 3), (4, 0)])
def test_codes_are_guessed_from_the_features(categories, continuous):
    D = Discriminator(16, 3, width=4)
    Q = CodeHead(D.feature_dim, categories, continuous, hidden=8)
    logits, features = D(torch.rand(5, 3, 16, 16))
    category, mean = Q(features)
    assert logits.shape == (5,)
    assert features.shape == (5, 1024)
    assert category.shape == (5, categories)
    assert mean.shape == (5, continuous)


@pytest.mark.parametrize("normalization", ["layer", "none"])
def test_without_batch_norm_every_image_is_by_itself(normalization):
    D = Discriminator(16, 1, width=4, normalization=normalization)
    Q = CodeHead(1024, 3, 1, hidden=8, normalization=normalization)
    x = torch.rand(4, 1, 16, 16)
    logits, features = D(x)
    alone, its_features = D(x[:1])
    torch.testing.assert_close(alone, logits[:1])
    torch.testing.assert_close(Q(its_features)[0], Q(features)[0][:1])


def test_slope():
    network = Discriminator(16, 1, width=4, negative_slope=0.01)
    slopes = {m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.01}


@pytest.mark.parametrize(("image_size", "choices"), [(30, "28 or 32"), (3, "4 or more")])
def test_sizes_that_cannot_be(image_size, choices):
    for build in (lambda: Generator(8, image_size, 1), lambda: Discriminator(image_size, 1)):
        with pytest.raises(ValueError, match=f"image_size={image_size}: .* {choices}"):
            build()
