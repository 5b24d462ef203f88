"""Images that a person gives to a game: one file, or all in a folder or a .zip."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from gan_cli.data.files import OneFile
from gan_cli.data.image_files import ImageFiles, gather, open_image_files
from gan_cli.data.images import UnreadableImageError, require_channels, to_pixels
from gan_cli.data.memory import GIB, available_bytes
from gan_cli.errors import UserError


def read_images(
    path: Path, image_size: int, channels: int, key: str = "input"
) -> tuple[Tensor, list[str]]:
    """Images of a person's own: one file, or all in a folder or a .zip, sorted by name.

    Args:
        path: of the file, folder or zip.
        image_size: height and width to make, as for a dataset from files.
        channels: 1 (grayscale) or 3 (RGB).
        key: what errors call the path.

    Returns:
        uint8 [N, channels, image_size, image_size], and their N names, relative to the path.

    Raises:
        UserError: the path is not there or holds no image, one is damaged or has other channels,
            or they do not fit into memory; says which.
    """
    files, names = _open_given(path, image_size, channels, key)
    needed, available = len(names) * channels * image_size**2, available_bytes()
    if available is not None and needed > available:
        raise UserError(
            f"{key}={path}: {len(names)} images take {needed / GIB:.2g} GiB and this machine has "
            f"{available / GIB:.2g} GiB free; give fewer at a time"
        )

    def decode(name: str) -> Tensor:
        try:
            return files.decode(name)
        except UnreadableImageError as error:
            raise files.unusable(name, error, error.advice) from error

    return gather(files.map(decode, names, names, "decoding"), len(names)), names


def read_as_they_are(
    path: Path, channels: int, key: str = "input"
) -> tuple[list[str], Iterator[Tensor]]:
    """The images that `read_images` reads, each in its own size, read as they are asked for.

    Returns:
        Their N names, and as many images uint8 [channels, H, W].

    Raises:
        UserError: the path is not there or holds no image; later, that one is damaged or has other
            channels; says which.
    """
    files, names = _open_given(path, 1, channels, key)

    def read(name: str) -> Tensor:
        try:
            return to_pixels(files.read(name))
        except UnreadableImageError as error:
            raise files.unusable(name, error, error.advice) from error

    return names, map(read, names)


def _open_given(
    path: Path, image_size: int, channels: int, key: str
) -> tuple[ImageFiles, list[str]]:
    """One file, a folder or a .zip, and the names of the images in it."""
    require_channels(channels)
    path = path.expanduser()
    if path.is_file() and not zipfile.is_zipfile(path):
        files = ImageFiles(OneFile(str(path)), image_size, channels, exact=True)
        return files, list(files.files.sizes)
    files = open_image_files(str(path), image_size, channels, key, exact=True)
    return files, files.names
