"""Sound that a game is given to copy."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from gan_cli.data.files import Files, OneFile, open_files
from gan_cli.data.memory import GIB, available_bytes
from gan_cli.data.sound_files import UnreadableSoundError, is_sound, length_of, read_sound
from gan_cli.errors import UserError

COPIES = 3
"""Of each wave that are in memory at once, about."""


class Sounds(NamedTuple):
    """Clips side by side.

    Attributes:
        waves: float32 [N, 1, 1, T] in [-1, 1], T the longest one's length, the others followed by
            silence.
        names: of their files, relative to where they lay.
        lengths: samples that each has.
    """

    waves: Tensor
    names: Sequence[str]
    lengths: Sequence[int]


def read_sounds(path: Path, rate: int, key: str = "input") -> Sounds:
    """The .wav files of a person's own: one file, or all in a folder or a .zip, sorted by name.

    Args:
        path: of the file, folder or zip.
        rate: samples a second that they have to have.
        key: what errors call the path.

    Raises:
        UserError: the path is not there or holds no sound, one is damaged or of another kind, or
            they do not fit into memory; says which.
    """
    path = path.expanduser()
    single = path.is_file() and not zipfile.is_zipfile(path)
    files: Files = OneFile(str(path)) if single else open_files(str(path), key)
    names = [name for name in files.sizes if single or is_sound(name)]
    if not names:
        raise UserError(f"{key}={path}: no sound in it; give a .wav, or a folder or .zip of them")
    lengths = [_length(files, name, rate) for name in names]
    needed, available = 4 * COPIES * len(names) * max(lengths), available_bytes()
    if available is not None and needed > available:
        raise UserError(
            f"{key}={path}: {len(names)} clips take {needed / GIB:.2g} GiB and this machine has "
            f"{available / GIB:.2g} GiB free; give fewer, or shorter ones, at a time"
        )
    waves = torch.zeros(len(names), 1, 1, max(lengths))
    for row, (name, length) in enumerate(zip(names, lengths, strict=True)):
        try:
            with files.open(name) as file:
                waves[row, 0, 0, :length] = read_sound(file, rate, count=length)
        except (UnreadableSoundError, OSError) as error:
            raise _unusable(files, name, error) from error
    return Sounds(waves, names, lengths)


def _length(files: Files, name: str, rate: int) -> int:
    try:
        with files.open(name) as file:
            length = length_of(file, rate, files.sizes[name])
    except (UnreadableSoundError, OSError) as error:
        raise _unusable(files, name, error) from error
    if not length:
        raise _unusable(files, name, "it is empty")
    return length


def _unusable(files: Files, name: str, reason: object) -> UserError:
    return UserError(
        f"{files.locate(name)}: cannot be used ({reason}); convert, replace or remove it"
    )
