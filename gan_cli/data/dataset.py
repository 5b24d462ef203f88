"""What a dataset is: it prepares itself, knows its length, and decodes itself into memory."""

import abc
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor


@dataclass(frozen=True)
class Pictures:
    """A dataset in memory.

    Attributes:
        images: uint8 [N, C, H, W] in 0..255, or float32 in [-1, 1] where the data is not 8-bit
            (2-D points, as pictures of one pixel).
        labels: int64 [N] in 0..n_classes - 1, or None.
    """

    images: Tensor
    labels: Tensor | None


class Dataset(abc.ABC):
    """A named collection of pictures; its constructor's signature is its config's schema.

    Constructing is cheap: nothing is downloaded, listed or decoded before `prepare`.

    Attributes:
        image_size: height and width in pixels.
        channels: 1 (grayscale) or 3 (RGB); 2 for points in the plane.
        n_classes: number of classes, 0 where there are no labels. Final after `prepare`.
        planes: how many pictures are laid one on another as channels, each with classes of its
            own. A label holds the class on every plane, as the digits of one number, the first
            plane's leading.
    """

    planes: ClassVar[int] = 1
    image_size: int
    channels: int
    n_classes: int

    @abc.abstractmethod
    def prepare(self) -> None:
        """Download or list what is needed; called once, before anything below.

        Raises:
            UserError: the data is not there or not usable; says what to do.
        """

    @abc.abstractmethod
    def __len__(self) -> int:
        """Number of pictures, after `limit`."""

    @abc.abstractmethod
    def load(self) -> Pictures:
        """Decode everything, with a progress bar where that takes seconds."""


class StreamableDataset(Dataset):
    """A dataset that can also be read one picture at a time, from several processes at once."""

    labels: Tensor | None
    """int64 [N], or None; known after `prepare`, before any picture is decoded."""

    @abc.abstractmethod
    def open_picture(self, index: int) -> Tensor:
        """Decode picture `index` to uint8 [C, H, W].

        Raises:
            UserError: the file is corrupt or refused; names it.
        """

    @abc.abstractmethod
    def listing(self) -> list[tuple[str, int]]:
        """Name and size in bytes of each picture, in the order of their indices."""
