"""Mel spectrograms: filters against torchaudio's numbers, levels and lengths by hand."""

import math

import pytest
import torch

from gan_cli.metrics.mel import MelSpectrogram, comparing, mel_filters, mel_l1

# torchaudio 2.11: melscale_fbanks(n_fft // 2 + 1, fmin, fmax, n_mels, rate, "slaney", "slaney"):
# the largest value of filters 0, 20, n_mels // 2 or 30 and the last, where each lies, and the sum
TORCHAUDIO = [
    (
        (22050, 1024, 80, 0.0, 8000.0),
        [0.02265139, 0.02192966, 0.01489542, 0.00326597],
        [2, 36, 80, 358],
        3.7136881,
    ),
    (
        (22050, 1024, 80, 0.0, 11025.0),
        [0.02316559, 0.02355886, 0.011515, 0.00220812],
        [2, 40, 94, 491],
        3.7146473,
    ),
    (
        (8000, 256, 40, 0.0, 4000.0),
        [0.01586132, 0.01158454, 0.00760357, 0.00429274],
        [2, 39, 71, 121],
        1.2792624,
    ),
]


@pytest.mark.parametrize(("arguments", "peaks", "places", "total"), TORCHAUDIO)
def test_filters_are_torchaudios(arguments, peaks, places, total):
    filters = mel_filters(*arguments)
    n_mels = arguments[2]
    some = filters[[0, 20, 40 if n_mels > 40 else 30, n_mels - 1]]
    assert some.max(1).values.tolist() == pytest.approx(peaks, abs=2e-7)
    assert some.argmax(1).tolist() == places
    assert filters.sum().item() == pytest.approx(total, abs=1e-4)


def test_a_frame_for_each_hop_and_silence_at_the_floor():
    mel = MelSpectrogram(22050)
    found = mel(torch.zeros(2, 1, 1, 8192))
    assert found.shape == (2, 80, 32)
    # magnitudes of silence are sqrt(1e-9), which the filters, of areas of one in Hz, make less
    assert found.max().item() == pytest.approx(math.log(1e-5), abs=1e-3)


def test_twice_as_loud_is_log_2_more_where_there_is_sound():
    time = torch.arange(8000) / 8000
    tone = 0.25 * torch.sin(2 * math.pi * 1000 * time)[None, None, None]
    mel = comparing(8000)
    once, twice = mel(tone), mel(2 * tone)
    band = int(once.mean(2).argmax())
    edges = mel.filters[band].nonzero().flatten() * 8000 / mel.n_fft
    assert edges[0] <= 1000 <= edges[-1]
    assert (twice - once)[0, band].mean().item() == pytest.approx(math.log(2), abs=1e-3)


def test_the_distance_of_copies():
    wave = torch.rand(3, 1, 1, 4096) - 0.5
    assert mel_l1(wave, wave, 8000) == 0.0
    assert mel_l1(0.5 * wave, wave, 8000) == pytest.approx(math.log(2), abs=1e-3)
    with pytest.raises(ValueError, match="have no pairs"):
        mel_l1(wave, wave[:2], 8000)


def test_copies_are_compared_as_published_at_the_published_rate():
    mel = comparing(22050)
    assert (mel.n_fft, mel.hop, mel.n_mels, mel.fmax) == (1024, 256, 80, None)
    assert MelSpectrogram(22050, fmax=8000.0).of_all_bands().fmax is None


def test_bf16_leaves_it_as_it_is():
    wave, mel = torch.rand(1, 1, 1, 2048) - 0.5, MelSpectrogram(8000, 256, 64, 40)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(mel(wave), mel(wave.double().float()))
        assert mel(wave).dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"fmax": 8000.0}, "set fmax=4000 or null"),
        ({"fmin": 5000.0}, "fmin=5000"),
        ({"n_fft": 100, "hop": 101}, "set n_fft=404"),
        ({"n_fft": 256, "hop": 63}, "longer by an even number"),
    ],
)
def test_what_cannot_be(arguments, said):
    with pytest.raises(ValueError, match=said):
        MelSpectrogram(8000, **arguments)
