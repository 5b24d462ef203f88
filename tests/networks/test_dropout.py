"""Dropout: as torch's, number for number, but for which numbers go."""

import pytest
import torch
from torch import nn

from gan_cli.networks.dropout import UniformDropout, drop


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_share_of_p_is_dropped_and_the_rest_keeps_the_mean(p: float, dtype: torch.dtype):
    torch.manual_seed(0)
    x = torch.ones(400, 500, dtype=dtype)
    y = drop(x, p, training=True)
    assert y.dtype == dtype
    kept = y != 0
    # five standard deviations; a mask of bfloat16 numbers would be off by more
    assert kept.float().mean().item() == pytest.approx(
        1 - p, abs=5 * (p * (1 - p) / x.numel()) ** 0.5
    )
    assert torch.equal(y[kept], torch.full_like(y[kept], 1 / (1 - p)))


def test_gradients_reach_what_is_kept():
    x = torch.randn(50, 50, requires_grad=True)
    y = drop(x, 0.3, training=True)
    y.sum().backward()
    assert torch.allclose(x.grad, (y != 0) / 0.7)  # type: ignore[arg-type]


def test_outside_training_and_for_probabilities_without_chance_it_is_torchs():
    layer, x = UniformDropout(0.4), torch.randn(20, 20)
    assert isinstance(layer, nn.Dropout)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(drop(x, 0.0, training=True), x)
    assert not drop(x, 1.0, training=True).any()


def test_it_keeps_layouts_and_repeats_with_the_seed():
    layer = UniformDropout(0.4)
    x = torch.randn(2, 8, 4, 4).to(memory_format=torch.channels_last)
    torch.manual_seed(1)
    first = layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first)
    assert first.is_contiguous(memory_format=torch.channels_last)
