"""The data sets that pix2pix and CycleGAN were published with, downloaded once."""

import os
from collections.abc import Mapping
from typing import ClassVar, Literal

from gan_cli.data.archives import Archive, provide
from gan_cli.data.dataset import Dataset, Split
from gan_cli.data.images import is_image
from gan_cli.data.pairs import Pairs
from gan_cli.data.unpaired import Unpaired
from gan_cli.ranges import Count

SITE = "http://efrosgans.eecs.berkeley.edu"


class Provided(Dataset):
    """What comes as one archive, below `root`.

    Attributes:
        archive: which.
        counts: images in each folder of it.
    """

    local = False
    archive: ClassVar[Archive]
    counts: ClassVar[Mapping[str, int]]

    _given: str
    _download: bool

    def prepare(self) -> None:
        """Fetch and unpack it where it is not there, then list it.

        Raises:
            UserError: it is not there and cannot be had; says what to put where.
        """
        provide(self.archive, self._given, self._complete, self._download, "data.root")
        super().prepare()  # type: ignore[safe-super]

    def _complete(self, folder: str) -> bool:
        """Whether every folder has as many images as were published."""
        return all(
            _images_in(os.path.join(folder, name)) == count for name, count in self.counts.items()
        )


class Facades(Provided, Pairs):
    """The CMP facades as pix2pix has them: 400 photos of facades and their labels, 256x256 pixels.

    In each file the photo is on the left (A), the labels on the right (B); the paper makes photos
    of labels. 106 are to test on; the 100 of its `val` are not used (Tylecek & Sara 2013).

    Args:
        root: folder that it lies in, or is downloaded to, 30 MB.
        download: fetch it where it is missing.
        image_size, channels, split, limit, n_classes, cache: see `Pairs`.
        direction: `ba` makes photos of labels.
    """

    archive = Archive(f"{SITE}/pix2pix/datasets/facades.tar.gz", "facades")
    counts: ClassVar[Mapping[str, int]] = {"train": 400, "test": 106}

    def __init__(
        self,
        root: str = "data",
        download: bool = True,
        image_size: Count = 256,
        channels: Literal[1, 3] = 3,
        split: Split = "train",
        direction: Literal["ab", "ba"] = "ba",
        limit: Count | None = None,
        n_classes: Literal[0] = 0,
        cache: bool = True,
    ) -> None:
        self._given, self._download = os.path.expanduser(root), download
        super().__init__(
            os.path.join(self._given, self.archive.name),
            *(image_size, channels, split, direction),
            limit=limit,
            n_classes=n_classes,
            cache=cache,
        )


class Horse2Zebra(Provided, Unpaired):
    """Horses (a) and zebras (b) out of ImageNet as CycleGAN has them, 256x256 pixels.

    1,067 and 1,334 to train on, 120 and 140 to test on.

    Args:
        root: folder that it lies in, or is downloaded to, 111 MB.
        download: fetch it where it is missing.
        image_size, channels, split, limit, n_classes, cache: see `Unpaired`.
    """

    archive = Archive(f"{SITE}/cyclegan/datasets/horse2zebra.zip", "horse2zebra")
    counts: ClassVar[Mapping[str, int]] = {
        **{"trainA": 1067, "trainB": 1334},
        **{"testA": 120, "testB": 140},
    }

    def __init__(
        self,
        root: str = "data",
        download: bool = True,
        image_size: Count = 256,
        channels: Literal[1, 3] = 3,
        split: Split = "train",
        limit: Count | None = None,
        n_classes: Literal[0] = 0,
        cache: bool = True,
    ) -> None:
        self._given, self._download = os.path.expanduser(root), download
        super().__init__(
            os.path.join(self._given, self.archive.name),
            *(image_size, channels, split),
            limit=limit,
            n_classes=n_classes,
            cache=cache,
        )


def _images_in(folder: str) -> int:
    """How many images lie in a folder; 0 where there is none."""
    try:
        return sum(is_image(entry.name) for entry in os.scandir(folder))
    except OSError:
        return 0
