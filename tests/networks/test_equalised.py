import math

import pytest
import torch

from gan_cli.networks.equalised import EqualisedConv2d, EqualisedLinear, PixelNorm


def test_weights_are_held_at_one_and_used_at_he_s_constant():
    torch.manual_seed(0)
    layer = EqualisedConv2d(32, 16, 3)
    assert layer.weight.std().item() == pytest.approx(1, rel=0.05)
    y = layer(torch.randn(4, 32, 16, 16))[:, :, 1:-1, 1:-1]
    assert y.shape == (4, 16, 14, 14)
    assert y.std().item() == pytest.approx(math.sqrt(2), rel=0.1)


def test_a_linear_layer_by_hand():
    """gain 3, 4 inputs: y = 3 / 2 * (1 + 2 + 3 + 4) + 0.5."""
    layer = EqualisedLinear(4, 1, gain=3.0, bias_start=0.5)
    torch.nn.init.ones_(layer.weight)
    assert layer(torch.tensor([[1.0, 2.0, 3.0, 4.0]])).item() == pytest.approx(15.5)


def test_a_multiplier_slows_learning_and_changes_nothing_else():
    """Adam's first step is the rate itself: the layer's output moves a tenth as far."""
    x, moved = torch.ones(1, 4), []
    for multiplier in (1.0, 0.1):
        torch.manual_seed(0)
        layer = EqualisedLinear(4, 1, gain=1.0, lr_multiplier=multiplier, bias_start=2.0)
        before = layer(x)
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
        before.sum().backward()
        optimizer.step()
        moved.append((before.item(), (layer(x) - before).item()))
    (start, whole), (same, tenth) = moved
    assert same == pytest.approx(start, rel=1e-5)
    assert tenth == pytest.approx(0.1 * whole, rel=1e-3)


def test_pixels_come_to_a_mean_square_of_one():
    x = 5 * torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(PixelNorm()(x).square().mean(1), torch.ones(2, 3, 3))
    torch.testing.assert_close(PixelNorm()(x[:, :, 0, 0]).norm(dim=1), torch.full((2,), 8**0.5))
