"""Networks that enlarge: published sizes, any input, narrow beginnings."""

import pytest
import torch

from gan_cli.assembly.memory import Unfilled
from gan_cli.networks.superres import (
    DenseBlock,
    Discriminator,
    RRDBNet,
    SRResNet,
    Upscaler,
    enlarge,
)


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameters_are_as_many_as_published():
    """BasicSR's MSRResNet, RRDBNet and VGGStyleDiscriminator at 128 pixels, x4, RGB."""
    with torch.device("meta"), Unfilled():
        assert count(SRResNet(3)) == 1_517_571
        assert count(RRDBNet(3)) == 16_697_987
        assert count(Discriminator(128, 3)) == 14_499_401


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("kind", [SRResNet, RRDBNet])
def test_images_of_any_size_are_enlarged(kind: type[Upscaler], scale: int):
    network = kind(1, scale, width=4, blocks=1)
    assert network(torch.rand(2, 1, 5, 7)).shape == (2, 1, 5 * scale, 7 * scale)
    assert (network.in_channels, network.out_channels, network.scale) == (1, 1, scale)


@pytest.mark.parametrize("scale", [1, 3, 6])
def test_what_no_doubling_leads_to_is_refused(scale: int):
    with pytest.raises(ValueError, match=f"scale={scale}: .* choose 2, 4 or 8"):
        SRResNet(1, scale, width=4)


def test_initial_weights_are_a_tenth_of_hes():
    torch.manual_seed(0)
    block = DenseBlock(64, 32)
    assert float(block.out.weight.detach().std()) == pytest.approx(
        0.1 * (2 / (192 * 9)) ** 0.5, rel=0.05
    )
    assert not block.out.bias.any()
    x = torch.rand(1, 64, 4, 4)
    assert float((block(x) - x).detach().abs().max()) < 0.05


def test_the_discriminator_ends_in_a_hundred_units():
    network = Discriminator(28, 1, width=4)
    logits, features = network(torch.rand(3, 1, 28, 28))
    assert (logits.shape, features.shape) == ((3,), (3, 100))
    with pytest.raises(ValueError, match="image_size=30"):
        Discriminator(30, 1)


def test_bicubic_enlargement_stays_in_range():
    x = torch.tensor([[[[-1.0, 1.0], [1.0, -1.0]]]])
    assert enlarge(x, 4).abs().max() == 1.0
    assert torch.equal(enlarge(torch.full((1, 1, 3, 3), 0.25), 2), torch.full((1, 1, 6, 6), 0.25))
