"""Sound that a game is given to copy."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from gan_cli.data.files import Files, OneFile, open_files
from gan_cli.data.sound_files import UnreadableSoundError, is_sound, length_of, read_sound
from gan_cli.errors import UserError


def read_sounds(
    path: Path, rate: int, key: str = "input"
) -> tuple[Sequence[str], Iterator[Tensor]]:
    """The .wav files of a person's own: one file, or all in a folder or a .zip, sorted by name.

    Args:
        path: of the file, folder or zip.
        rate: samples a second that they have to have.
        key: what errors call the path.

    Returns:
        Their names, relative to the path, and as many waves float32 [1, 1, 1, T] in [-1, 1], read
        as they are asked for.

    Raises:
        UserError: the path is not there or holds no sound, or one is damaged, empty or of another
            kind; says which.
    """
    path = path.expanduser()
    single = path.is_file() and not zipfile.is_zipfile(path)
    files: Files = OneFile(str(path)) if single else open_files(str(path), key)
    names = [name for name in files.sizes if single or is_sound(name)]
    if not names:
        raise UserError(f"{key}={path}: no sound in it; give a .wav, or a folder or .zip of them")
    lengths = [_length(files, name, rate) for name in names]

    def read(name: str, length: int) -> Tensor:
        try:
            with files.open(name) as file:
                return read_sound(file, rate, count=length)[None, None, None]
        except (UnreadableSoundError, OSError) as error:
            raise _unusable(files, name, error) from error

    return names, map(read, names, lengths)


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
