"""Many image files decoded alike, in threads where that pays."""

import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TypeVar

import PIL
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from gan_cli.data.decoded import kept
from gan_cli.data.files import MAX_BYTES, Files, open_files
from gan_cli.data.images import (
    Look,
    UnreadableImageError,
    is_image,
    look_at,
    read_image,
    to_square,
)
from gan_cli.errors import UserError

log = logging.getLogger(__name__)

# Pillow lets go of the interpreter while it decodes: threads pay from about this mean file size
# on (two threads took 1.7 times as long for 2 KB, two thirds of the time for 9 KB of 64x64 PNG).
_THREADS_FROM_BYTES = 8192

S = TypeVar("S")
T = TypeVar("T")


class ImageFiles:
    """Image files that all become one size and one number of channels.

    Args:
        files: where they lie.
        image_size: height and width to make.
        channels: 1 (grayscale) or 3 (RGB).
        exact: refuse images that have others, rather than to convert them.

    Attributes:
        files: those, with whatever else lies there.
        names: of those that are images by their names.
    """

    def __init__(
        self, files: Files, image_size: int, channels: int, *, exact: bool = False
    ) -> None:
        self.files = files
        self.names = [name for name in files.sizes if is_image(name)]
        self._image_size, self._channels, self._exact = image_size, channels, exact

    def decode(self, name: str) -> Tensor:
        """uint8 [channels, image_size, image_size].

        Raises:
            UnreadableImageError: with the reason.
        """
        return to_square(self.read(name), self._image_size)

    def read(self, name: str) -> Image.Image:
        """Grayscale or RGB, as large as it is.

        Raises:
            UnreadableImageError: with the reason.
        """
        return read_image(self._bytes(name), self._channels, exact=self._exact)

    def look(self, name: str) -> Look:
        """What the file is, once it has been decoded.

        Raises:
            UnreadableImageError: with the reason.
        """
        return look_at(self._bytes(name))

    def _bytes(self, name: str) -> BytesIO:
        size = self.files.sizes[name]
        if size > MAX_BYTES:
            raise UnreadableImageError(f"{size} bytes, at most {MAX_BYTES} are read")
        try:
            data = self.files.read(name)
        except OSError as error:
            raise UnreadableImageError(str(error)) from error
        if not data:
            raise UnreadableImageError("the file is empty")
        return BytesIO(data)

    def unusable(self, name: str, reason: object, advice: str) -> UserError:
        """The error that names a file."""
        return UserError(f"{self.files.locate(name)}: cannot be used ({reason}); {advice}")

    def whole(
        self, check: Callable[[T], object], items: Sequence[T], names: Sequence[str]
    ) -> list[T]:
        """The items that pass `check`, in their order; the others are logged and counted.

        Args:
            check: raises UnreadableImageError where an item cannot be used.
            items: to be checked.
            names: the file of each.

        Raises:
            UserError: none passes.
        """

        def problem(item: T) -> str | None:
            try:
                check(item)
            except UnreadableImageError as error:
                return str(error)
            return None

        kept = []
        problems = self.map(problem, items, names, "checking")
        for item, name, reason in zip(items, names, problems, strict=True):
            if reason is None:
                kept.append(item)
            else:
                log.warning("skipping %s (%s)", self.files.locate(name), reason)
        if not kept:
            where = self.files.locate(names[0])
            raise UserError(f"data.root: none of its {len(items)} images is whole, such as {where}")
        if len(kept) < len(items):
            log.warning("skipped %d of %d images", len(items) - len(kept), len(items))
        return kept

    def load(
        self,
        decode: Callable[[S], Tensor],
        items: Sequence[S],
        names: Sequence[str],
        *,
        cache: str | None,
        title: str = "decoding",
    ) -> Tensor:
        """Items decoded to uint8 and stacked, [N, ...].

        Args:
            decode: gives uint8 [...].
            items: to be decoded.
            names: all files that they are in.
            cache: what `decode` does besides what this object says: its result is kept for the
                next time; None decodes anew.
            title: of the progress bar.
        """

        def all_anew() -> Tensor:
            return gather(self.map(decode, items, names, title), len(items))

        if cache is None:
            return all_anew()
        try:
            stamps = [(name, self.files.sizes[name], self.files.stamp(name)) for name in names]
        except OSError:
            return all_anew()  # a file has gone, which decoding will say
        how = cache, self._image_size, self._channels, PIL.__version__, torch.__version__
        return kept(repr((how, list(items), stamps)), all_anew)

    def map(
        self, function: Callable[[S], T], items: Sequence[S], names: Sequence[str], title: str
    ) -> Iterator[T]:
        """`map` with a progress bar, in threads where the files `names` are large enough."""
        mean_bytes = sum(self.files.sizes[name] for name in names) / max(len(names), 1)
        threads = (os.cpu_count() or 1) if mean_bytes >= _THREADS_FROM_BYTES else 1
        with ThreadPoolExecutor(threads) as pool:
            results = pool.map(function, items) if threads > 1 else map(function, items)
            yield from tqdm(results, title, len(items), disable=None, unit=" images")


def open_image_files(
    root: str,
    image_size: int,
    channels: int,
    key: str = "data.root",
    *,
    cache: bool = False,
    exact: bool = False,
) -> ImageFiles:
    """The images below `root`, a folder or a .zip; `key` is the config's name for it.

    With `cache` a long listing is kept for the next time; `exact`: see `ImageFiles`.

    Raises:
        UserError: it is not there, no folder or zip, unsafe, or holds no images.
    """
    found = ImageFiles(open_files(root, key, cache=cache), image_size, channels, exact=exact)
    if not found.names:
        raise UserError(
            f"{key}={root}: no images in it; give a folder or zip "
            "with .png, .jpg, .webp, .bmp, .gif, .tif or .ppm files"
        )
    return found


def spread(total: int, limit: int | None) -> list[int]:
    """Indices of at most `limit` of `total`, evenly spread."""
    count = min(limit or total, total)
    if count == total:
        return list(range(total))
    return [i * total // count for i in range(count)]


def gather(images: Iterator[Tensor], count: int) -> Tensor:
    """`count` images [C, H, W] as [N, C, H, W], without holding them twice."""
    first = next(images)
    gathered = torch.empty((count, *first.shape), dtype=first.dtype)
    for row, image in enumerate(itertools.chain([first], images)):
        gathered[row] = image
    return gathered
