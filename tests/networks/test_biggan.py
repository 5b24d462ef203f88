"""The networks of SAGAN and BigGAN."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from gan_cli.assembly.memory import Unfilled
from gan_cli.networks import biggan, sagan
from tests.networks.counting import parameters

NARROW = {"width": 8, "max_width": 8}


def conv(size_in: int, size_out: int, kernel: int = 3) -> int:
    return kernel**2 * size_in * size_out + size_out


def attention(channels: int) -> int:
    """1x1 to an eighth twice, to a half and back, and sigma."""
    return 2 * channels * channels // 8 + 2 * channels * channels // 2 + 1


def halving(channels: int) -> int:
    return conv(channels, channels) * 2 + conv(channels, channels, 1)


def test_biggan_parameter_counts_at_32():
    """PyTorch-StudioGAN's for CIFAR-10, z of 4 * 20, an embedding of 128.

    G: dense 20 -> 4*4*384; three blocks 384-384, each with two BatchNorms of 20 + 128 numbers to
    gains and biases; attention; BatchNorm, 3x3 384-3. D: 3-192, halving, two flat; attention;
    dense and ten classes.
    """
    with torch.device("meta"), Unfilled():
        G, D = biggan.Generator(80, 32, 3, 10), biggan.Discriminator(32, 3, 10)
    stem, out = 21 * 16 * 384, 2 * 384 + conv(384, 3)
    block = 2 * conv(384, 384) + conv(384, 384, 1) + 4 * 148 * 384
    assert parameters(G) == stem + 3 * block + attention(384) + out + 10 * 128 == 9_416_196
    first = conv(3, 192) + conv(192, 192) + conv(3, 192, 1)
    blocks = first + halving(192) + 4 * conv(192, 192)
    assert parameters(D) == blocks + attention(192) + 193 + 10 * 192 == 2_415_170


def test_sagan_parameter_counts_at_32():
    """SNGAN's 256 and 128 wide, with a class's gain and bias in each of six BatchNorms."""
    with torch.device("meta"), Unfilled():
        G, D = sagan.Generator(128, 32, 3, 10), sagan.Discriminator(32, 3, 10)
    stem, out = 129 * 16 * 256, 2 * 256 + conv(256, 3)
    block = 2 * conv(256, 256) + conv(256, 256, 1) + 4 * 10 * 256
    assert parameters(G) == stem + 3 * block + attention(256) + out
    first = conv(3, 128) + conv(128, 128) + conv(3, 128, 1)
    blocks = first + halving(128) + 4 * conv(128, 128)
    assert parameters(D) == blocks + attention(128) + 129 + 10 * 128


def test_attention_by_hand():
    """Where the softmax is even, each pixel is given the mean of all pooled values."""
    torch.manual_seed(0)
    layer, x = sagan.SelfAttention(8), torch.randn(2, 8, 4, 4)
    assert torch.equal(layer(x), x)  # sigma begins at 0
    nn.init.zeros_(layer.query.weight)
    nn.init.constant_(layer.sigma, 2.0)
    pooled = nn.functional.max_pool2d(layer.value(x), 2).mean((2, 3), keepdim=True)
    torch.testing.assert_close(layer(x), x + 2.0 * layer.out(pooled).expand_as(x))


@pytest.mark.parametrize("family", [sagan, biggan])
@pytest.mark.parametrize(("image_size", "n_classes"), [(8, 0), (28, 3)])
def test_shapes_and_copies(family, image_size, n_classes):
    G = family.Generator(12, image_size, 1, n_classes, **NARROW)
    D = family.Discriminator(image_size, 1, n_classes, **NARROW)
    y = torch.tensor([0, 2]) if n_classes else None
    x = G(torch.randn(2, 12), y)
    assert x.shape == (2, 1, image_size, image_size)
    assert x.abs().max() <= 1
    logits, features = D(x, y)
    assert (logits.shape, features.shape) == ((2,), (2, 8))
    mean, z = copy.deepcopy(G).eval(), torch.randn(2, 12)  # as an EMA holds it
    assert torch.equal(mean(z, y), G.eval()(z, y))


@pytest.mark.parametrize("family", [sagan, biggan])
def test_all_of_g_is_normalised_but_embeddings(family):
    G = family.Generator(12, 16, 1, 3, **NARROW)
    for layer in G.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert is_parametrized(layer)
        elif isinstance(layer, nn.Embedding):
            assert not is_parametrized(layer)


def test_each_block_is_told_its_own_chunk():
    torch.manual_seed(0)
    G = biggan.Generator(12, 16, 1, 3, **NARROW).eval()
    z, y = torch.randn(1, 12), torch.tensor([1])
    heard: list[torch.Tensor] = []
    for block in G.blocks:
        if not isinstance(block, sagan.SelfAttention):
            block.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[1]))
    G(z, y)
    label = G.embedding(y)
    assert [told.tolist() for told in heard] == [
        torch.cat([label, z[:, at : at + 4]], dim=1).tolist() for at in (4, 8)
    ]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: sagan.Generator(4, 16, 1, attention=4), "attention=4: the blocks give maps of 8,"),
        (lambda: sagan.Discriminator(16, 1, attention=16), "attention=16: the blocks give maps"),
        (lambda: biggan.Generator(10, 16, 1), "latent_dim=10: z has 3 chunks of equal length"),
    ],
)
def test_what_it_cannot_make(make, said):
    with pytest.raises(ValueError, match=said):
        make()
