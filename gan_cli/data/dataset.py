"""What a dataset is: it declares its fields, prepares itself, and decodes itself into memory."""

import abc
import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from torch import Tensor

from gan_cli.data.fields import Field, Fields, Kind

Split = Literal["train", "test"]


class Dataset(abc.ABC):
    """A named collection of samples; its constructor's signature is its config's schema.

    Constructing is cheap: nothing is downloaded, listed or decoded before `prepare`.

    Attributes:
        kind: of the field `image`.
        image_size: height and width in pixels.
        channels: 1 (grayscale) or 3 (RGB); 2 for points in the plane.
        n_classes: number of classes, 0 where there are no labels. Final after `prepare`.
        class_names: one for each class; empty where they are not known. Final after `prepare`.
        planes: how many images are laid one on another as channels, each with classes of its
            own. A label holds the class on every plane, as the digits of one number, the first
            plane's leading.
        local: whether these are a person's own files, where mistakes are many and `prepare` finds
            them in seconds: it is called before anything slow.
    """

    kind: ClassVar[Kind] = "image"
    planes: ClassVar[int] = 1
    local: bool = False
    image_size: int
    channels: int
    n_classes: int
    class_names: Sequence[str] = ()

    @property
    def fields(self) -> Fields:
        """What every sample is made of: an image, and its label where there are classes.

        Kinds and shapes of images and points are known from the start, labels after `prepare`.
        """
        image = Field(self.kind, (self.channels, self.image_size, self.image_size))
        return {"image": image} | ({"label": Field("label")} if self.n_classes else {})

    @property
    @abc.abstractmethod
    def sizes(self) -> Mapping[str, int]:
        """Number of samples in each group of fields, after `limit`; known after `prepare`."""

    def __len__(self) -> int:
        return max(self.sizes.values())

    @abc.abstractmethod
    def prepare(self) -> None:
        """Download or list what is needed; called once, before anything is read.

        Raises:
            UserError: the data is not there or not usable; says what to do.
        """

    @abc.abstractmethod
    def load(self) -> dict[str, Tensor]:
        """Decode everything, by field, with a progress bar where that takes seconds.

        Images are uint8 in 0..255, points and waves float32 in [-1, 1], labels int64 in
        0..n_classes - 1; each [N, *shape], N the size of the field's group.
        """

    @property
    def part(self) -> str:
        """Which part of the data this is, such as `train`; empty where it comes in one piece."""
        return ""

    def held_out(self) -> "Dataset | None":
        """Other samples of the same kind, all of them: the other split, or another seed's points.

        Returns:
            A dataset that is still to be prepared, or None where the data comes in one piece.
        """
        return None

    def whole(self) -> "Dataset":
        """The same without a limit, still to be prepared."""
        return self._changed(limit=None)

    def _changed(self, **attributes: Any) -> Self:
        changed = copy.copy(self)
        changed.__dict__.update(attributes)
        return changed


class StreamableDataset(Dataset):
    """A dataset that can also be read one sample at a time, from several processes at once.

    Attributes:
        labels: int64 [N] of each field of kind `label`; known after `prepare`, before anything is
            decoded.
        runs: of a group's samples that are cheap to read one after another, how many each has; a
            stream draws run by run. None where any order costs the same.
    """

    local = True
    labels: Mapping[str, Tensor]
    runs: Mapping[str, Sequence[int]] = {}  # never written to

    @abc.abstractmethod
    def open(self, group: str, index: int) -> dict[str, Tensor]:
        """Decode the fields of sample `index` of a group, without labels; images are uint8.

        Raises:
            UserError: a file is corrupt or refused; names it.
        """

    @abc.abstractmethod
    def listing(self, group: str) -> list[tuple[str, int]]:
        """Name and size in bytes of each file of a group, in the order of its samples."""


def other(split: Split) -> Split:
    """The split that is held out from `split`."""
    return "test" if split == "train" else "train"
