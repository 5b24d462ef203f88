"""Pairs of images from files: what a translation is given, and what it should make of it."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from gan_cli.data.dataset import Split, StreamableDataset, other
from gan_cli.data.fields import Field, Fields
from gan_cli.data.image_files import ImageFiles, open_image_files, spread
from gan_cli.data.images import UnreadableImageError, require_channels, to_square
from gan_cli.data.sides import find_part, find_sides
from gan_cli.errors import UserError
from gan_cli.ranges import Count


class Pair(NamedTuple):
    """Where a pair lies: in two files, or in the left and right half of one."""

    a: str
    b: str | None = None


class Pairs(StreamableDataset):
    """Pairs in a folder or a .zip, as pix2pix's data comes (Isola et al. 2017).

    Either images whose left half is A and whose right half is B, or two folders A and B with files
    of the same names (their extensions may differ). The parts are in folders `train` and `test`
    (or `val`), or in `trainA`, `trainB`, ...; without any, all is to train on. Every image is
    treated as `Folder` does.

    Args:
        root: path of the folder or zip; only read.
        image_size: height and width to make.
        channels: 1 (grayscale) or 3 (RGB), whatever the files hold.
        split: `train` or `test`.
        direction: `ab` makes B of A, `ba` makes A of B.
        a: what the folder A is called.
        b: what the folder B is called.
        limit: so many pairs, spread evenly over the sorted names; None for all.
        on_corrupt: a damaged image is an error, or its pair is left out and counted; see `Folder`.
        n_classes: none, written down so that other parts of a config can refer to it.
        cache: keep what was decoded or listed for the next start; see `Folder`.
    """

    labels: Mapping[str, Tensor] = {}  # never written to

    def __init__(
        self,
        root: str,
        image_size: Count = 64,
        channels: Literal[1, 3] = 3,
        split: Split = "train",
        direction: Literal["ab", "ba"] = "ab",
        a: str = "A",
        b: str = "B",
        limit: Count | None = None,
        on_corrupt: Literal["error", "skip"] = "error",
        n_classes: Literal[0] = 0,
        cache: bool = True,
    ) -> None:
        require_channels(channels)
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self.split, self.limit = split, limit
        self._root, self._direction, self._on_corrupt = root, direction, on_corrupt
        self._a, self._b = a, b
        self._cache = f"pairs {direction}" if cache else None
        self._pairs: Sequence[Pair] = ()
        self._images: ImageFiles

    @property
    def fields(self) -> Fields:
        """`source` and `target`."""
        image = Field("image", (self.channels, self.image_size, self.image_size))
        return {"source": image, "target": image}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of pairs."""
        return {"": len(self._pairs)}

    def prepare(self) -> None:
        """List the pairs.

        Raises:
            UserError: there are none, or an image has no counterpart.
        """
        self._images = open_image_files(
            self._root, self.image_size, self.channels, cache=self._cache is not None
        )
        pairs = self._find(self._images)
        if pairs is None:
            raise UserError(
                f"data.root={self._root}: no folder for data.split={self.split}; make one called "
                f"{self.split}, or set data.split={other(self.split)}"
            )
        self._pairs = [pairs[i] for i in spread(len(pairs), self.limit)]
        if self._on_corrupt == "skip":
            names = [pair.a for pair in self._pairs]
            self._pairs = self._images.whole(self._decode, self._pairs, names)

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, channels, image_size, image_size] each."""
        names = [name for name, _ in self.listing("")]
        decoded = self._images.load(self._open, self._pairs, names, cache=self._cache)
        return {"source": decoded[:, 0], "target": decoded[:, 1]}

    def open(self, group: str, index: int) -> dict[str, Tensor]:
        """Decode one pair to uint8 [channels, image_size, image_size] each."""
        source, target = self._open(self._pairs[index])
        return {"source": source, "target": target}

    def listing(self, group: str) -> list[tuple[str, int]]:
        """Name and size in bytes of each file, pair after pair."""
        names = [name for pair in self._pairs for name in pair if name is not None]
        return [(name, self._images.files.sizes[name]) for name in names]

    @property
    def part(self) -> str:
        """The split."""
        return self.split

    def held_out(self) -> "Pairs | None":
        """The other split, where there is one."""
        rest = self._changed(split=other(self.split), limit=None)
        images = open_image_files(
            self._root, self.image_size, self.channels, cache=self._cache is not None
        )
        return rest if rest._find(images) else None

    def _find(self, images: ImageFiles) -> list[Pair] | None:
        where = f"data.root={self._root}"
        sides = find_sides(images.names, self.split, self._a, self._b, where)
        if sides is not None:
            return _match(images, sides)
        folder = find_part(images.names, self.split)
        if folder is None:
            return None
        return [Pair(name) for name in images.names if name.startswith(folder)]

    def _open(self, pair: Pair) -> Tensor:
        try:
            return self._decode(pair)
        except UnreadableImageError as error:
            advice = "fix or remove it, or set data.on_corrupt=skip"
            raise self._images.unusable(pair.a, error, advice) from error

    def _decode(self, pair: Pair) -> Tensor:
        """uint8 [2, channels, image_size, image_size]."""
        a = self._images.read(pair.a)
        width, height = a.size
        if pair.b is None:
            if width <= height:
                raise UnreadableImageError(
                    f"{width}x{height} pixels are no two images side by side, and there are no "
                    f"folders {self._a} and {self._b}"
                )
            half = width // 2
            b = a.crop((half, 0, 2 * half, height))
            a = a.crop((0, 0, half, height))
        else:
            b = self._read_counterpart(pair.b)
            # in a square cut out of the middle they would not lie on one another
            if abs(width / height / (b.width / b.height) - 1) > 0.02:
                raise UnreadableImageError(
                    f"{width}x{height} pixels, but its counterpart {pair.b} has {b.width}x"
                    f"{b.height}, another shape"
                )
        sides = (a, b) if self._direction == "ab" else (b, a)
        return torch.stack([to_square(side, self.image_size) for side in sides])

    def _read_counterpart(self, name: str) -> Image.Image:
        try:
            return self._images.read(name)
        except UnreadableImageError as error:
            raise UnreadableImageError(f"its counterpart {name}: {error}") from error


def _match(images: ImageFiles, sides: tuple[str, str]) -> list[Pair]:
    """Pairs of files with the same name, but for the extension, below two folders."""
    found: list[dict[str, str]] = []
    for prefix in sides:
        stems: dict[str, str] = {}
        for name in images.names:
            if name.startswith(prefix):
                stem = str(PurePosixPath(name[len(prefix) :]).with_suffix(""))
                if stem in stems:
                    raise UserError(
                        f"{images.files.locate(name)}: has the same name as {stems[stem]}, so its "
                        "counterpart is not clear; remove or rename one of them"
                    )
                stems[stem] = name
        found.append(stems)
    for here, there, prefix in [(found[0], found[1], sides[1]), (found[1], found[0], sides[0])]:
        lonely = sorted(here.keys() - there.keys())
        if lonely:
            more = f" (and {len(lonely) - 1} more like it)" if lonely[1:] else ""
            raise UserError(
                f"{images.files.locate(here[lonely[0]])}: has no counterpart of its name in "
                f"{prefix}{more}; add it or remove this one"
            )
    return [Pair(name, found[1][stem]) for stem, name in sorted(found[0].items())]
