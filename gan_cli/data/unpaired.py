"""Two collections of images from files, between which no pair is known."""

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

from gan_cli.data.dataset import Split, StreamableDataset, other
from gan_cli.data.fields import Field, Fields
from gan_cli.data.image_files import ImageFiles, open_image_files, spread
from gan_cli.data.images import UnreadableImageError, require_channels
from gan_cli.data.sides import describe, find_sides, find_two
from gan_cli.errors import UserError
from gan_cli.ranges import Count


class Unpaired(StreamableDataset):
    """Two folders of images in a folder or a .zip, as CycleGAN's data comes (Zhu et al. 2017).

    They are called `trainA` and `trainB`, with `testA` and `testB` to hold out, or `A` and `B`, or
    are the only two there are; `train` and `test` (or `val`) may be folders around or inside them.
    Every image is treated as `Folder` does.

    Args:
        root: path of the folder or zip; only read.
        image_size: height and width to make.
        channels: 1 (grayscale) or 3 (RGB), whatever the files hold.
        split: `train` or `test`.
        a: what the folder A is called; None: as above.
        b: what the folder B is called; None: as above.
        limit: so many images a side, spread evenly over the sorted names; None for all.
        on_corrupt: a damaged image is an error, or is left out and counted; see `Folder`.
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
        a: str | None = None,
        b: str | None = None,
        limit: Count | None = None,
        on_corrupt: Literal["error", "skip"] = "error",
        n_classes: Literal[0] = 0,
        cache: bool = True,
    ) -> None:
        require_channels(channels)
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self.split, self.limit = split, limit
        self._root, self._on_corrupt, self._a, self._b = root, on_corrupt, a, b
        self._cache = "unpaired" if cache else None
        self._names: dict[str, Sequence[str]] = {"a": (), "b": ()}
        self._images: ImageFiles

    @property
    def fields(self) -> Fields:
        """`a` and `b`, each in a group of its own."""
        shape = (self.channels, self.image_size, self.image_size)
        return {side: Field("image", shape, side) for side in "ab"}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images on each side."""
        return {side: len(names) for side, names in self._names.items()}

    def prepare(self) -> None:
        """List the images.

        Raises:
            UserError: there are no two folders of them, or one side is empty.
        """
        self._images = open_image_files(
            self._root, self.image_size, self.channels, cache=self._cache is not None
        )
        folders = self._find(self._images)
        if folders is None:
            raise UserError(
                f"data.root={self._root}: no two folders of images for data.split={self.split}, it "
                f"{describe(self._images.names)}; call them {self.split}A and {self.split}B, or "
                "set data.a and data.b"
            )
        self._names = {}
        for side, folder in zip("ab", folders, strict=True):
            names = [name for name in self._images.names if name.startswith(folder)]
            names = [names[i] for i in spread(len(names), self.limit)]
            if self._on_corrupt == "skip":
                names = self._images.whole(self._images.decode, names, names)
            self._names[side] = names

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, channels, image_size, image_size] each, N as many as the side has."""
        return {
            side: self._images.load(
                self._open, names, names, cache=self._cache, title=f"decoding {side}"
            )
            for side, names in self._names.items()
        }

    def open(self, group: str, index: int) -> dict[str, Tensor]:
        """Decode one image of a side to uint8 [channels, image_size, image_size]."""
        return {group: self._open(self._names[group][index])}

    def listing(self, group: str) -> list[tuple[str, int]]:
        """Name and size in bytes of each image of a side."""
        return [(name, self._images.files.sizes[name]) for name in self._names[group]]

    @property
    def part(self) -> str:
        """The split."""
        return self.split

    def held_out(self) -> "Unpaired | None":
        """The other split, where there is one."""
        rest = self._changed(split=other(self.split), limit=None)
        images = open_image_files(
            self._root, self.image_size, self.channels, cache=self._cache is not None
        )
        return rest if rest._find(images) else None

    def _find(self, images: ImageFiles) -> tuple[str, str] | None:
        where, names = f"data.root={self._root}", images.names
        found = find_sides(names, self.split, self._a or "A", self._b or "B", where)
        return found or (None if self._a or self._b else find_two(names, self.split))

    def _open(self, name: str) -> Tensor:
        try:
            return self._images.decode(name)
        except UnreadableImageError as error:
            advice = "fix or remove it, or set data.on_corrupt=skip"
            raise self._images.unusable(name, error, advice) from error
