"""Sound as a picture: which frequencies are in it, and when."""

import math

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

HEIGHT, WIDTH = 128, 256
"""Pixels of a picture: frequencies from the bottom, up to half of the rate; time from the left."""
SECONDS = 0.032
"""Of a window: harmonics of a voice lie apart, and its syllables too."""
RANGE = 80.0
"""Decibels from full brightness, at the loudest of all, to black."""


def spectrograms(waves: Tensor, rate: int) -> Tensor:
    """A picture of each wave [N, 1, 1, T] in [-1, 1]: float32 RGB [N, 3, HEIGHT, WIDTH] in [-1, 1].

    Args:
        waves: of any length, all on one scale of loudness.
        rate: samples a second.
    """
    from matplotlib import colormaps  # when needed, as it takes a while

    x = waves.cpu().flatten(1)  # [N, 1, 1, T] -> [N, T]
    n_fft = 2 ** max(round(math.log2(SECONDS * rate)), 4)
    hop = max(x.shape[1] // (2 * WIDTH), 1)
    window = torch.hann_window(n_fft)
    found = torch.stft(
        x, n_fft, hop, n_fft, window, pad_mode="constant", return_complex=True
    )  # [N, n_fft / 2 + 1, frames]
    power = adaptive_avg_pool2d(found.abs().square()[:, 1:], (HEIGHT, WIDTH))
    decibels = 10 * torch.log10(power.clamp(min=1e-12) / power.max().clamp(min=1e-12))
    brightness = (1 + decibels / RANGE).clamp(0.0, 1.0).flip(1)  # low frequencies at the bottom
    colors = torch.from_numpy(colormaps["magma"](brightness.numpy())[..., :3])  # [N, H, W, 3]
    return colors.permute(0, 3, 1, 2).float() * 2 - 1
