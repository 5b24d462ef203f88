"""Sound as files: uncompressed .wav with one channel, by the standard library's `wave`.

Recordings to train on come as 16-bit PCM. `wave` reads that, and 24 and 32 bits, and says how long
a file is from its header alone. Compressed sound, which nobody trains on, would need a library.
"""

import contextlib
import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from gan_cli.files import write_whole

EXTENSION = ".wav"
CONVERT = "ffmpeg -i IN.wav -ac 1 -ar {rate} -c:a pcm_s16le OUT.wav"
"""What makes of any sound what is read here."""


class UnreadableSoundError(Exception):
    """A file that is no sound, a damaged one, or one of another kind than is wanted."""


def is_sound(name: str) -> bool:
    """Whether a file name ends like a sound's."""
    return name.lower().endswith(EXTENSION)


def length_of(file: IO[bytes], sample_rate: int, size: int) -> int:
    """How many samples a sound holds, of which only the header is read.

    Args:
        file: an open .wav.
        sample_rate: samples a second that it has to have.
        size: bytes of the file.

    Raises:
        UnreadableSoundError: it is damaged or of another kind; says what would help.
    """
    with _opened(file, sample_rate) as sound:
        frames = sound.getnframes()
        if frames * sound.getsampwidth() > size:
            raise UnreadableSoundError("cut short: it says that it is longer than it is")
        return frames


def read_sound(
    file: IO[bytes], sample_rate: int, start: int = 0, count: int | None = None
) -> Tensor:
    """`count` samples from `start` on, or all that there are, float32 [T] in [-1, 1).

    Raises:
        UnreadableSoundError: it is damaged, of another kind, or ends before.
    """
    with _opened(file, sample_rate) as sound:
        wanted = sound.getnframes() - start if count is None else count
        width = sound.getsampwidth()
        sound.setpos(start)
        found = sound.readframes(wanted)
    if len(found) != wanted * width:
        raise UnreadableSoundError("cut short: it says that it is longer than it is")
    return _to_unit_range(found, width)


def _to_unit_range(pcm: bytes, width: int) -> Tensor:
    """Little-endian whole numbers of 2, 3 or 4 bytes, as float32."""
    if width == 3:  # the upper three bytes of four
        wide = np.zeros((len(pcm) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(pcm, np.uint8).reshape(-1, 3)
        pcm, width = wide.tobytes(), 4
    values = np.frombuffer(pcm, f"<i{width}").astype(np.float32)
    return torch.from_numpy(values / np.float32(2 ** (8 * width - 1)))


@contextlib.contextmanager
def _opened(file: IO[bytes], sample_rate: int) -> Iterator[wave.Wave_read]:
    """A sound that is of the wanted kind."""
    convert = CONVERT.format(rate=sample_rate)
    try:
        with wave.open(file) as sound:
            channels, width, rate = sound.getnchannels(), sound.getsampwidth(), sound.getframerate()
            if channels != 1:
                raise UnreadableSoundError(f"{channels} channels and should be one: {convert}")
            if width == 1:
                raise UnreadableSoundError(
                    "8 bits a sample, which hisses; record it anew with 16 bits or leave it out"
                )
            if width not in (2, 3, 4):
                raise UnreadableSoundError(f"{8 * width} bits a sample: {convert}")
            if rate != sample_rate:
                raise UnreadableSoundError(f"{rate} Hz and should be {sample_rate}: {convert}")
            yield sound
    except wave.Error as error:
        reason = str(error) or "damaged"
        raise UnreadableSoundError(f"no uncompressed .wav ({reason}): {convert}") from error
    except (OSError, EOFError, ValueError, OverflowError, ZeroDivisionError, RuntimeError) as error:
        raise UnreadableSoundError(f"damaged ({error or type(error).__name__})") from error


def save_sound(wave_form: Tensor, sample_rate: int, path: Path) -> None:
    """Write [T] in [-1, 1] as 16-bit PCM; a reader never sees half of it."""
    write_whole(path, encode_sound(wave_form, sample_rate))


def encode_sound(wave_form: Tensor, sample_rate: int) -> bytes:
    """A .wav of [T] in [-1, 1], 16-bit PCM."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(sample_rate)
        pcm = (wave_form * 32768).round().clamp(-32768, 32767).to(torch.int16)
        sound.writeframes(pcm.numpy().astype("<i2").tobytes())
    return file.getvalue()
