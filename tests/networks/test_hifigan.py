import pytest
import torch
from torch import nn

from gan_cli.assembly.memory import Unfilled
from gan_cli.metrics.mel import MelSpectrogram
from gan_cli.networks.hifigan import (
    Fold,
    Generator,
    PeriodDiscriminators,
    ScaleDiscriminators,
    recorded_maps,
)
from tests.networks.counting import parameters

V3 = {
    "width": 256,
    "rates": (8, 8, 4),
    "kernels": (16, 16, 8),
    "stack_kernels": (3, 5, 7),
    "dilations": ((1, 2), (2, 6), (3, 12)),
    "paired": False,
}


@pytest.mark.parametrize(
    ("arguments", "millions", "count"),
    [({}, 13.92, 13_936_130), ({"width": 128}, 0.92, 928_514), (V3, 1.46, 1_464_322)],
    ids=["V1", "V2", "V3"],
)
def test_published_size(arguments, millions, count):
    """Table 1 of the paper counts weights as they are once the normalisation is taken off, which
    leaves out the lengths (`original0`), and cuts the rest of the number off.
    """
    with torch.device("meta"), Unfilled():
        network = Generator(MelSpectrogram(22050, fmax=8000.0), **arguments)
    assert parameters(network) == count
    lengths = sum(p.numel() for n, p in network.named_parameters() if n.endswith("original0"))
    assert int((count - lengths) / 1e4) / 100 == millions


def test_discriminators_layer_by_layer():
    """5 (32 + 32*128 + 128*512 + 512*1024 + 1024*1024) + 3*1024 and biases and lengths of each
    period; likewise the scales, with 15, 41 and 5 taps in 1, 4 and 16 groups.
    """
    convs = 5 * (32 + 32 * 128 + 128 * 512 + 512 * 1024 + 1024 * 1024) + 3 * 1024
    outs = 32 + 128 + 512 + 1024 + 1024 + 1
    wide = (
        15 * 128
        + 41 * (128 * 128 // 4 + (128 * 256 + 256 * 512 + 512 * 1024 + 1024 * 1024) // 16)
        + 5 * 1024 * 1024
        + 3 * 1024
    )
    wide_outs = 128 + 128 + 256 + 512 + 3 * 1024 + 1
    with torch.device("meta"), Unfilled():
        periods, scales = PeriodDiscriminators(), ScaleDiscriminators()
    assert {name: parameters(d) for name, d in periods.items()} == dict.fromkeys(
        [f"period_{p}" for p in (2, 3, 5, 7, 11)], convs + 2 * outs
    )
    assert {name: parameters(d) for name, d in scales.items()} == {
        "scale_1": wide + wide_outs,  # spectral norm has no lengths
        "scale_2": wide + 2 * wide_outs,
        "scale_4": wide + 2 * wide_outs,
    }


@pytest.mark.parametrize("frames", [1, 5])
def test_a_frame_becomes_a_hop(frames):
    mel = MelSpectrogram(8000, 256, 64, 10)
    network = Generator(mel, 8, (8, 4, 2), (16, 8, 4), (3,), ((1, 3),))
    made = network(torch.randn(2, 10, frames))
    assert made.shape == (2, 1, 1, 64 * frames)
    assert made.abs().max() <= 1
    made.square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_fold_puts_samples_a_period_apart_into_a_column():
    row = torch.arange(7.0)[None, None, None]
    assert Fold(3)(row)[0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 5, 4]]  # mirrored at the end


@pytest.mark.parametrize("length", [512, 515])
def test_each_hears_a_wave(length):
    judges = {**PeriodDiscriminators((2, 7), 2), **ScaleDiscriminators(2, 4)}
    for name, network in judges.items():
        with recorded_maps(network) as maps:
            logits, features = network(torch.randn(3, 1, 1, length))
        assert (logits.ndim, features.shape) == (3, (3, network.feature_dim)), name
        assert len(maps) == (5 if name.startswith("period") else 7)
        assert maps[-1].shape[1] == network.feature_dim
    assert not any(m._forward_hooks for m in network.modules())


def test_the_first_scale_is_spectrally_normalised():
    scales = ScaleDiscriminators(2, 4)
    kinds = [
        {
            type(p[0]).__name__
            for m in d.modules()
            for p in getattr(m, "parametrizations", {}).values()
        }
        for d in scales.values()
    ]
    assert kinds == [{"_SpectralNorm"}, {"_WeightNorm"}]
    pools = [sum(isinstance(m, nn.AvgPool2d) for m in d.modules()) for d in scales.values()]
    assert pools == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"rates": (8, 8)}, r"they make 64 samples of a frame, and mel.hop is 256"),
        ({"kernels": (16, 16, 4)}, r"set kernels=\[16, 16, 4, 4\]"),
        ({"kernels": (16, 16, 4, 3)}, "longer by an even number"),
        ({"width": 24}, "take a multiple of 16"),
        ({"stack_kernels": (3, 7)}, "one list of dilations each"),
        ({"stack_kernels": (3, 7, 10)}, "odd"),
    ],
)
def test_what_cannot_be(arguments, said):
    with pytest.raises(ValueError, match=said), torch.device("meta"):
        Generator(MelSpectrogram(22050), **arguments)
