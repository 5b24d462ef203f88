"""Crops of large photos, and the same made smaller: pairs to enlarge, from files."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.dataset import Split, StreamableDataset, other
from gan_cli.data.fields import Field, Fields
from gan_cli.data.image_files import ImageFiles, open_image_files, spread
from gan_cli.data.images import UnreadableImageError, require_channels, resize, to_pixels
from gan_cli.data.low_resolution import require_scale
from gan_cli.errors import UserError
from gan_cli.ranges import Count

PARTS: dict[Split, set[str]] = {"train": {"train"}, "test": {"test", "val", "valid"}}
"""Words in the names of the folders that the parts lie in."""


class Crops(StreamableDataset):
    """Squares cut out of photos at random as `target`, made smaller as `source`.

    Every photo gives as many, always the same ones: sample n is of photo n // crops. Photos of
    another size than others are none the less cut as they are; nothing is enlarged. The parts lie
    in folders whose names have the word `train`, or `test`, `val` or `valid`, in them, such as
    DIV2K_train_HR and DIV2K_valid_HR; without any, all is to train on.

    Args:
        root: path of the folder or zip; only read.
        image_size: height and width of a square.
        scale: how many times smaller the source is (bicubic, antialiased).
        channels: 1 (grayscale) or 3 (RGB), whatever the files hold.
        split: `train` or `test`.
        crops: squares of each photo.
        rotate: turn each by a multiple of 90 degrees, at random.
        limit: so many photos, spread evenly over the sorted names; None for all.
        on_corrupt: a damaged photo, or one smaller than a square, is an error, or is left out.
        n_classes: none, written down so that other parts of a config can refer to it.
        cache: keep what was decoded or listed for the next start; see `Folder`.

    Raises:
        ValueError: `scale` is 1 or does not divide `image_size`.
    """

    labels: Mapping[str, Tensor] = {}  # never written to

    def __init__(
        self,
        root: str,
        image_size: Count = 128,
        scale: Count = 4,
        channels: Literal[1, 3] = 3,
        split: Split = "train",
        crops: Count = 100,
        rotate: bool = True,
        limit: Count | None = None,
        on_corrupt: Literal["error", "skip"] = "error",
        n_classes: Literal[0] = 0,
        cache: bool = True,
    ) -> None:
        require_channels(channels)
        require_scale(scale, image_size)
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self.split, self.limit, self.scale = split, limit, scale
        self._root, self._crops, self._rotate = root, crops, rotate
        self._on_corrupt = on_corrupt
        self._cache = f"crops {crops} {rotate}" if cache else None
        self._names: Sequence[str] = ()
        self._images: ImageFiles

    @property
    def fields(self) -> Fields:
        """`source` and `target`."""
        sides = {"source": self.image_size // self.scale, "target": self.image_size}
        return {name: Field("image", (self.channels, n, n)) for name, n in sides.items()}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of squares."""
        return {"": self._crops * len(self._names)}

    def prepare(self) -> None:
        """List the photos.

        Raises:
            UserError: there are none.
        """
        self._images = open_image_files(
            self._root, self.image_size, self.channels, cache=self._cache is not None
        )
        names = self._find(self._images)
        if not names:
            raise UserError(
                f"data.root={self._root}: no folder for data.split={self.split}; make one called "
                f"{self.split}, or set data.split={other(self.split)}"
            )
        names = [names[i] for i in spread(len(names), self.limit)]
        if self._on_corrupt == "skip":
            names = self._images.whole(self._cut_all, names, names)
        self._names = names

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, C, H // scale, W // scale] and [N, C, H, W]."""
        cut = self._images.load(self._open, self._names, self._names, cache=self._cache)
        target = cut.flatten(0, 1)  # [photos, crops, C, H, W] -> [N, C, H, W]
        return {"source": resize(target, self.image_size // self.scale), "target": target}

    def open(self, group: str, index: int) -> dict[str, Tensor]:
        """Decode one photo and cut one square out of it."""
        photo, number = divmod(index, self._crops)
        target = self._open(self._names[photo], number)
        return {"source": resize(target, self.image_size // self.scale)[0], "target": target[0]}

    def listing(self, group: str) -> list[tuple[str, int]]:
        """Name and size in bytes of the photo of each sample."""
        sizes = self._images.files.sizes
        return [(name, sizes[name]) for name in self._names for _ in range(self._crops)]

    @property
    def part(self) -> str:
        """The split."""
        return self.split

    def held_out(self) -> "Crops | None":
        """The other split, where there is one."""
        rest = self._changed(split=other(self.split), limit=None)
        images = open_image_files(
            self._root, self.image_size, self.channels, cache=self._cache is not None
        )
        return rest if rest._find(images) else None

    def _find(self, images: ImageFiles) -> list[str]:
        """Photos in folders of the split; as `train`, all where no folder is of any."""
        own = [name for name in images.names if _words(name) & PARTS[self.split]]
        divided = own or any(_words(name) & PARTS[other(self.split)] for name in images.names)
        return own if divided or self.split != "train" else images.names

    def _open(self, name: str, number: int | None = None) -> Tensor:
        try:
            return self._cut(name, number)
        except UnreadableImageError as error:
            advice = "fix or remove it, or set data.on_corrupt=skip"
            raise self._images.unusable(name, error, advice) from error

    def _cut_all(self, name: str) -> Tensor:
        return self._cut(name, None)

    def _cut(self, name: str, number: int | None) -> Tensor:
        """uint8 [crops, C, H, W] of a photo; with `number` that one alone, [1, C, H, W]."""
        photo, size = self._images.read(name), self.image_size
        if min(photo.size) < size:
            raise UnreadableImageError(
                f"{photo.width}x{photo.height} pixels, and data.image_size={size} is cut out of it"
            )
        pixels = to_pixels(photo)
        places = torch.rand(self._crops, 3, generator=randomness.generator("crops", name))
        squares = []
        for y, x, turn in places if number is None else places[number : number + 1]:
            top, left = int(y * (photo.height - size + 1)), int(x * (photo.width - size + 1))
            square = pixels[:, top : top + size, left : left + size]
            squares.append(torch.rot90(square, int(4 * turn) if self._rotate else 0, (1, 2)))
        return torch.stack(squares)


def _words(name: str) -> set[str]:
    """Words in the names of the folders around a file."""
    return set(re.split(r"[^a-z]+", name.rpartition("/")[0].lower()))
