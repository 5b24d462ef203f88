"""Sung vowels and plucked strings, made from a seed: sound without a download."""

import itertools
import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.dataset import Dataset, Split, other
from gan_cli.data.fields import Field, Fields
from gan_cli.ranges import Count, Natural

CLIPS = {"train": 800, "test": 100}
VOWELS = (
    *((270, 2290, 3010), (390, 1990, 2550), (530, 1840, 2480), (660, 1720, 2410)),
    *((730, 1090, 2440), (570, 840, 2410), (300, 870, 2240), (490, 1350, 1690)),
)
"""Formants in Hz: means of men (Peterson & Barney 1952, "Control methods used in a study of the
vowels", table II)."""
BANDWIDTHS = (60, 90, 150)
"""Of each formant, in Hz."""
PITCHES = (90.0, 280.0)
"""From a low voice to a high one, in Hz; strings an octave around."""
PEAK = 0.9


class Tones(Dataset):
    """Clips of two to four notes each, half of them sung and half plucked.

    A voice is a row of pulses whose pitch glides and trembles, put through the resonances of a
    vowel, with some breath; a string is a burst of noise in a loop that damps it (Karplus & Strong
    1983). Every clip follows from its number and the seed.

    Args:
        sample_rate: samples a second.
        length: samples in each clip.
        split: `train` is 800 clips, `test` 100 others.
        limit: the first so many clips; None for all.
        seed: which clips; it is apart from the run's seed, so runs share their data.
        n_classes: none, written down so that other parts of a config can refer to it.
    """

    def __init__(
        self,
        sample_rate: Count = 8000,
        length: Count = 8192,
        split: Split = "train",
        limit: Count | None = None,
        seed: Natural = 0,
        n_classes: Literal[0] = 0,
    ) -> None:
        self.sample_rate, self.length, self.n_classes = sample_rate, length, n_classes
        self.split, self.limit, self._seed = split, limit, seed
        if sample_rate < 2 * VOWELS[0][-1]:
            raise ValueError(
                f"sample_rate={sample_rate}: vowels have overtones up to {VOWELS[0][-1]} Hz; "
                f"set sample_rate={2 * VOWELS[0][-1]} or more"
            )

    @property
    def fields(self) -> Fields:
        """`wave`."""
        return {"wave": Field("wave", (1, 1, self.length), rate=self.sample_rate)}

    def prepare(self) -> None:
        """Nothing to do."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of clips."""
        return {"": min(self.limit or CLIPS[self.split], CLIPS[self.split])}

    def load(self) -> dict[str, Tensor]:
        """float32 [N, 1, 1, length] in [-1, 1]."""
        clips = [self._clip(number) for number in range(len(self))]
        return {"wave": torch.from_numpy(np.stack(clips))[:, None, None]}

    @property
    def part(self) -> str:
        """The split."""
        return self.split

    def held_out(self) -> "Tones":
        """The other split."""
        return self._changed(split=other(self.split), limit=None)

    def _clip(self, number: int) -> np.ndarray:
        """float32 [length]."""
        draw = np.random.default_rng(randomness.derive("tones", self._seed, self.split, number))
        notes = int(draw.integers(2, 5))
        ends = np.linspace(0, self.length, notes + 1).astype(int)
        clip = np.concatenate(
            [
                (_sung if draw.random() < 0.5 else _plucked)(draw, end - begin, self.sample_rate)
                for begin, end in itertools.pairwise(ends)
            ]
        )
        loudness = PEAK * draw.uniform(0.4, 1.0)
        return (loudness * clip / np.abs(clip).max()).astype(np.float32)


def _pitch(draw: np.random.Generator) -> float:
    low, high = map(math.log, PITCHES)
    return math.exp(draw.uniform(low, high))


def _sung(draw: np.random.Generator, count: int, rate: int) -> np.ndarray:
    """A vowel of `count` samples, as loud as any."""
    from scipy.signal import lfilter  # takes half a second to import

    # pitch in Hz: from one note to another, trembling five times a second
    time = np.arange(count) / rate
    first, last = _pitch(draw), draw.uniform(0.8, 1.25)
    pitch = first * last ** (time / time[-1])
    pitch *= 1 + 0.01 * np.sin(2 * np.pi * (5 * time + draw.random()))
    # overtones up to 0.45 of the rate: sum of cos(k a) = sin((K + 1/2) a) / (2 sin(a / 2)) - 1/2
    angle = 2 * np.pi * np.cumsum(pitch) / rate
    overtones = int(0.45 * rate / pitch.max())
    half = np.sin(angle / 2)
    half = np.where(np.abs(half) < 1e-4, 1e-4, half)
    voice = np.sin((overtones + 0.5) * angle) / (2 * half) - 0.5
    voice += 0.3 * draw.standard_normal(count)  # breath
    voice = lfilter([1.0], [1.0, -0.9], voice)  # a throat gives less of what is high
    for formant, width in zip(VOWELS[draw.integers(len(VOWELS))], BANDWIDTHS, strict=True):
        radius, turn = math.exp(-math.pi * width / rate), 2 * math.pi * formant / rate
        voice = lfilter([1 - radius], [1, -2 * radius * math.cos(turn), radius**2], voice)
    swell = np.minimum(1, np.minimum(time, time[-1] - time) / 0.03)  # 30 ms in, 30 ms out
    return swell * voice / np.abs(voice).max()


def _plucked(draw: np.random.Generator, count: int, rate: int) -> np.ndarray:
    """A string of `count` samples."""
    from scipy.signal import lfilter

    period = int(rate / (_pitch(draw) * draw.choice([0.5, 1.0, 2.0])))
    burst = np.zeros(count)
    burst[:period] = draw.uniform(-1, 1, min(period, count))[:period]
    loop = np.zeros(period + 2)
    loop[0], loop[period:] = 1.0, -0.5 * draw.uniform(0.985, 0.999)
    string = lfilter([1.0], loop, burst)
    fade = np.minimum(1, np.arange(count)[::-1] / (0.01 * rate))
    return fade * string / np.abs(string).max()
