"""A person's own pictures: a folder or a zip."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Literal, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from gan_cli.data.classes import find_base, find_classes
from gan_cli.data.dataset import Pictures, StreamableDataset
from gan_cli.data.files import MAX_BYTES, Files, open_files
from gan_cli.data.images import UnreadablePictureError, decode, is_picture, require_channels
from gan_cli.errors import UserError
from gan_cli.ranges import Count, Natural

log = logging.getLogger(__name__)

# Pillow lets go of the interpreter while it decodes: threads pay from about this mean file size
# on (two threads took 1.7 times as long for 2 KB, two thirds of the time for 9 KB of 64x64 PNG).
_THREADS_FROM_BYTES = 8192

T = TypeVar("T")


class Folder(StreamableDataset):
    """Pictures in a folder or a .zip, with a class per subfolder, labels in a file, or none.

    Classes are the subfolders by name; a folder of nothing but pictures has none. A `dataset.json`
    beside them, {"labels": [[name, class number], ...] or null, "classes": [names]}, says otherwise
    (the layout of the StyleGAN dataset tools). Folders around all of it are ignored, as are hidden
    files. Every picture is turned as its EXIF says, laid on white where transparent, resized
    (shorter side, bicubic, antialiased) and cut out in the middle.

    Args:
        root: path of the folder or zip; only read.
        image_size: height and width to make.
        channels: 1 (grayscale) or 3 (RGB), whatever the files hold.
        n_classes: what must be found; None accepts what is found.
        limit: so many pictures, spread evenly over the sorted names; None for all.
        on_corrupt: a damaged picture is an error, or is left out and counted. To know which ones,
            `skip` decodes every picture once more before training.
    """

    labels: Tensor | None = None

    def __init__(
        self,
        root: str,
        image_size: Count = 64,
        channels: Literal[1, 3] = 3,
        n_classes: Natural | None = None,
        limit: Count | None = None,
        on_corrupt: Literal["error", "skip"] = "error",
    ) -> None:
        require_channels(channels)
        self.image_size, self.channels = image_size, channels
        self.n_classes = n_classes or 0
        self._root, self._expected, self._limit = root, n_classes, limit
        self._on_corrupt = on_corrupt
        self._names: list[str] = []
        self._files: Files

    def prepare(self) -> None:
        """List the pictures and number their classes."""
        self._files = open_files(self._root, "data.root")
        base = find_base(list(self._files.sizes))
        names = [n for n in self._files.sizes if n.startswith(base) and is_picture(n)]
        if not names:
            raise UserError(
                f"data.root={self._root}: no pictures in it; give a folder or zip "
                "with .png, .jpg, .webp, .bmp, .gif, .tif or .ppm files"
            )
        labels, self.n_classes = find_classes(self._files, names, base)
        if self._expected not in (None, self.n_classes):
            raise UserError(
                f"data.n_classes={self._expected} but {self._root} has {self.n_classes} classes; "
                f"set data.n_classes={self.n_classes} (or null for as many as there are)"
            )
        count = min(self._limit or len(names), len(names))
        kept = [i * len(names) // count for i in range(count)]
        if self._on_corrupt == "skip":
            kept = self._readable(names, kept)
        self._names = [names[i] for i in kept]
        self.labels = None if labels is None else torch.tensor([labels[i] for i in kept])

    def __len__(self) -> int:
        return len(self._names)

    def load(self) -> Pictures:
        """uint8 [N, channels, image_size, image_size] and labels."""
        shape = (len(self), self.channels, self.image_size, self.image_size)
        images = torch.empty(shape, dtype=torch.uint8)
        decoded = self._map(self.open_picture, range(len(self)), self._names, "decoding")
        for i, picture in enumerate(decoded):
            images[i] = picture
        return Pictures(images, self.labels)

    def open_picture(self, index: int) -> Tensor:
        """Decode one picture to uint8 [channels, image_size, image_size]."""
        name = self._names[index]
        try:
            return self._decode(name)
        except UnreadablePictureError as error:
            raise UserError(
                f"{self._files.locate(name)}: cannot be used ({error}); "
                "mend or remove it, or set data.on_corrupt=skip"
            ) from error

    def listing(self) -> list[tuple[str, int]]:
        """Name and size in bytes of each picture."""
        return [(name, self._files.sizes[name]) for name in self._names]

    def _decode(self, name: str) -> Tensor:
        size = self._files.sizes[name]
        if size > MAX_BYTES:
            raise UnreadablePictureError(f"{size} bytes, at most {MAX_BYTES} are read")
        try:
            data = self._files.read(name)
        except OSError as error:
            raise UnreadablePictureError(str(error)) from error
        if not data:
            raise UnreadablePictureError("the file is empty")
        return decode(BytesIO(data), self.image_size, self.channels)

    def _readable(self, names: list[str], indices: list[int]) -> list[int]:
        """Those of `indices` whose pictures can be decoded; the others are logged."""

        def problem(index: int) -> str | None:
            try:
                self._decode(names[index])
            except UnreadablePictureError as error:
                return str(error)
            return None

        kept = []
        problems = self._map(problem, indices, [names[i] for i in indices], "checking")
        for index, reason in zip(indices, problems, strict=True):
            if reason is None:
                kept.append(index)
            else:
                log.warning("skipping %s (%s)", self._files.locate(names[index]), reason)
        if not kept:
            raise UserError(f"data.root={self._root}: none of its {len(indices)} pictures is whole")
        if len(kept) < len(indices):
            log.warning("skipped %d of %d pictures", len(indices) - len(kept), len(indices))
        return kept

    def _map(
        self, function: Callable[[int], T], indices: Sequence[int], names: list[str], title: str
    ) -> Iterator[T]:
        """`map` with a progress bar, in threads where the files `names` are large enough."""
        mean_bytes = sum(self._files.sizes[name] for name in names) / len(names)
        threads = (os.cpu_count() or 1) if mean_bytes >= _THREADS_FROM_BYTES else 1
        with ThreadPoolExecutor(threads) as pool:
            results = pool.map(function, indices) if threads > 1 else map(function, indices)
            yield from tqdm(results, title, len(indices), disable=None, unit=" pictures")
