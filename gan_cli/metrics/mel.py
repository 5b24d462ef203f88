"""Mel spectrograms: what the ear makes of sound, as HiFi-GAN hears and is measured.

The filters are those that librosa and torchaudio call Slaney's, with areas of one. torchaudio's
last version is built for an older torch, and librosa would bring a compiler: they are written here,
and tests hold them against torchaudio's numbers.
"""

import math

import torch
from torch import Tensor, nn

from gan_cli.mirrored import reflect
from gan_cli.ranges import Count, NonNegative, Positive

FLOOR = 1e-5
"""The least magnitude that is told from silence."""
SECONDS = 0.0464
"""Of a window that sound is compared in: 1024 samples at 22,050 Hz, the published length."""
BANDS = 80
"""Of such a comparison."""
CHUNK = 200
"""Waves that are compared at once."""


class MelSpectrogram(nn.Module):
    """The logarithm of a wave's magnitudes in bands as wide as the ear tells apart.

    As HiFi-GAN's code has it: Hann windows of `n_fft` samples every `hop`, the wave mirrored at its
    ends so that T samples give T / hop frames, magnitudes sqrt(re^2 + im^2 + 1e-9), Slaney's mel
    scale (linear below 1 kHz, logarithmic above), triangles of area one, log(max(x, 1e-5)).

    Args:
        sample_rate: samples a second.
        n_fft: of each window; even.
        hop: samples from one window to the next.
        n_mels: M, how many bands.
        fmin: where the lowest begins, in Hz.
        fmax: where the highest ends, in Hz; None: half of `sample_rate`.

    Raises:
        ValueError: there is nothing between `fmin` and `fmax`, or windows leave gaps.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: Count,
        n_fft: Count = 1024,
        hop: Count = 256,
        n_mels: Count = 80,
        fmin: NonNegative = 0.0,
        fmax: Positive | None = None,
    ) -> None:
        super().__init__()
        if not fmin < (fmax or sample_rate / 2) <= sample_rate / 2:
            raise ValueError(
                f"fmax={fmax}: bands lie between fmin={fmin:g} and half of "
                f"sample_rate={sample_rate}; set fmax={sample_rate // 2} or null"
            )
        if hop > n_fft or (n_fft - hop) % 2:
            raise ValueError(
                f"n_fft={n_fft}: windows every hop={hop} samples should be longer by an even "
                f"number; set n_fft={4 * hop}"
            )
        self.sample_rate, self.n_fft, self.hop, self.n_mels = sample_rate, n_fft, hop, n_mels
        self.fmin, self.fmax = fmin, fmax
        self.register_buffer("window", torch.hann_window(n_fft))
        high = sample_rate / 2 if fmax is None else fmax
        self.register_buffer("filters", mel_filters(sample_rate, n_fft, n_mels, fmin, high))

    def of_all_bands(self) -> "MelSpectrogram":
        """The same up to half of the sample rate, by which copies are compared."""
        return MelSpectrogram(self.sample_rate, self.n_fft, self.hop, self.n_mels, self.fmin)

    def forward(self, wave: Tensor) -> Tensor:
        """[N, 1, 1, T] -> [N, M, T / hop], float32 whatever autocast would make of it."""
        with torch.autocast(wave.device.type, enabled=False):
            x = wave.float().flatten(1)  # [N, 1, 1, T] -> [N, T]
            edge = (self.n_fft - self.hop) // 2
            x = reflect(x[:, None], edge, edge)[:, 0]
            found = torch.stft(
                *(x, self.n_fft, self.hop, self.n_fft, self.window),
                center=False,
                return_complex=True,
            )  # [N, n_fft / 2 + 1, T / hop]
            magnitude = torch.view_as_real(found).square().sum(3).add(1e-9).sqrt()
            return (self.filters @ magnitude).clamp(min=FLOOR).log()


def mel_filters(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> Tensor:
    """Triangles over the frequencies of a Fourier transform, float32 [n_mels, n_fft / 2 + 1]."""
    double = torch.float64
    edges = torch.linspace(_to_mel(fmin), _to_mel(fmax), n_mels + 2, dtype=double)
    edges = _to_hertz(edges)
    bins = torch.linspace(0.0, sample_rate / 2, n_fft // 2 + 1, dtype=double)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    triangles = torch.minimum(rising, falling).clamp(min=0.0)
    return (triangles * 2 / (right - left)).float()


LINEAR, KNEE = 200 / 3, 1000.0
"""Hz per mel below the knee, which lies at mel 15."""
STEP = math.log(6.4) / 27
"""Of the logarithm of the frequency per mel above it."""


def _to_mel(hertz: float) -> float:
    if hertz < KNEE:
        return hertz / LINEAR
    return KNEE / LINEAR + math.log(hertz / KNEE) / STEP


def _to_hertz(mels: Tensor) -> Tensor:
    above = KNEE * torch.exp((mels - KNEE / LINEAR) * STEP)
    return torch.where(mels * LINEAR < KNEE, mels * LINEAR, above)


def comparing(sample_rate: int) -> MelSpectrogram:
    """What copies are compared by, whatever they were made from: all bands, windows of 46 ms.

    At 22,050 Hz the published one: windows of 1024 samples every 256, 80 bands.
    """
    n_fft = 2 ** max(round(math.log2(SECONDS * sample_rate)), 5)
    return MelSpectrogram(sample_rate, n_fft, n_fft // 4, BANDS)


@torch.no_grad()
def mel_l1(made: Tensor, target: Tensor, sample_rate: int) -> float:
    """Mean absolute difference of log-mel spectrograms, in natural logarithms.

    Kong et al. 2020, "HiFi-GAN", equation 7, by the spectrogram `comparing` gives.

    Args:
        made: waves [N, 1, 1, T] in [-1, 1].
        target: what each should be.
        sample_rate: samples a second.

    Raises:
        ValueError: the shapes differ.
    """
    if made.shape != target.shape:
        raise ValueError(f"waves {list(made.shape)} have no pairs in {list(target.shape)}")
    mel = comparing(sample_rate)
    parts = zip(made.split(CHUNK), target.split(CHUNK), strict=True)
    apart = [(mel(x) - mel(y)).abs().mean((1, 2)) for x, y in parts]
    return float(torch.cat(apart).mean())
