"""MNIST, Fashion-MNIST and CIFAR-10 through torchvision, downloaded once."""

import abc
import contextlib
import gzip
import logging
import os
import zlib
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import torch
from filelock import FileLock
from torch import Tensor
from torchvision import datasets
from torchvision.datasets.utils import check_integrity

from gan_cli.data.dataset import Dataset, Split, other
from gan_cli.data.downloads import nearby, one_line, removed_if_empty
from gan_cli.data.images import require_channels, resize, set_channels
from gan_cli.errors import UserError
from gan_cli.files import write_whole
from gan_cli.ranges import Count

_FAILURES = (RuntimeError, OSError, HTTPException)

log = logging.getLogger(__name__)


class Downloaded(Dataset):
    """A dataset that torchvision downloads, checks and reads, held in memory.

    Args:
        image_size: resized to this (bicubic, antialiased).
        channels: 1 or 3; gray is repeated, RGB becomes its luma.
        root: folder in torchvision's layout; nothing is written where the files are already there.
        split: `train` or `test`; the other one's files are not needed.
        download: fetch what is missing.
        limit: the first so many images; None for all.
        n_classes: ten, written down so that other parts of a config can refer to it.
    """

    source: ClassVar[Any]
    """The class in torchvision.datasets."""

    def __init__(
        self,
        image_size: Count,
        channels: Literal[1, 3],
        root: str = "data",
        split: Split = "train",
        download: bool = True,
        limit: Count | None = None,
        n_classes: Literal[10] = 10,
    ) -> None:
        require_channels(channels)
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self.split, self.limit = split, limit
        self._root, self._download = os.path.expanduser(root), download
        self._images, self._labels = torch.empty(0), torch.empty(0)

    def prepare(self) -> None:
        """Unpack or download what is missing, then read it.

        Raises:
            UserError: files are missing or damaged and cannot be downloaded; says which ones. Or
                they lie in a folder above or below the root; says in which.
        """
        self._unpack()
        if self._missing():
            self._look_around()
            if not self._download:
                raise UserError(self._explain("data.download=false; set data.download=true"))
            self._fetch()
        try:
            data = self._open()
        except Exception as error:  # a damaged file makes torchvision's readers fail in many ways
            raise UserError(
                f"{self._folder()}: its files cannot be read ({one_line(error)}); "
                "delete the folder and run again to download it anew"
            ) from error
        images = torch.as_tensor(data.data)  # [N, H, W] or [N, H, W, 3]
        images = images.unsqueeze(1) if images.dim() == 3 else images.permute(0, 3, 1, 2)
        self._images = images[: self.limit].contiguous()
        self._labels = torch.as_tensor(data.targets, dtype=torch.int64)[: self.limit]

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images."""
        return {"": len(self._images)}

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, channels, image_size, image_size] and labels."""
        images = resize(set_channels(self._images, self.channels), self.image_size)
        return {"image": images, "label": self._labels}

    @property
    def part(self) -> str:
        """The split."""
        return self.split

    def held_out(self) -> Self:
        """The other split."""
        return self._changed(split=other(self.split), limit=None)

    def _unpack(self) -> None:
        """Unpack what lies there compressed, whoever compressed it: the checksum may be another."""
        for name in self._missing():
            packed = self._path(name) + ".gz"
            # what is not there, cut off, or no gzip is left to the download
            with contextlib.suppress(OSError, EOFError, zlib.error), gzip.open(packed) as file:
                if content := file.read():
                    write_whole(Path(self._path(name)), content)

    def _look_around(self) -> None:
        """Raise UserError where the files lie a level or two beside the root: it was mistyped."""
        for root in nearby(self._root):
            near = self._changed(_root=root)
            if all(os.path.isfile(near._path(name)) for name, _ in self._files()):
                raise UserError(
                    f"data.root={self._root}: {self.source.__name__} does not lie there but in "
                    f"{near._folder()}; set data.root={root}"
                )

    def _fetch(self) -> None:
        """Download, one process at a time; what stays empty is taken away again."""
        lock = os.path.join(self._root, f".{self.source.__name__}.lock")
        try:
            with removed_if_empty(self._folder()):
                os.makedirs(self._root, exist_ok=True)
                with FileLock(lock):
                    try:
                        self._download_checked()
                    finally:
                        with contextlib.suppress(OSError):  # whoever waits for it makes a new one
                            os.remove(lock)
        except _FAILURES as error:
            why = f"the download failed ({one_line(error)}); try again"
            raise UserError(self._explain(why)) from error

    def _download_checked(self, again: bool = True) -> None:
        """Download, and once more where what came is damaged."""
        try:
            self._open(download=True)  # does nothing where another run was faster
        except _FAILURES as error:
            damaged = self._delete_damaged()
            if not (again and damaged and isinstance(error, RuntimeError)):
                raise
            log.warning("downloading once more: %s", one_line(error))
            self._download_checked(again=False)

    def _open(self, download: bool = False) -> Any:
        # A class of the same name, which torchvision derives the folder's name from, that asks
        # for one split's files only.
        narrowed = type(self.source.__name__, (self.source,), self._narrow())
        return narrowed(self._root, train=self.split == "train", download=download)

    def _missing(self) -> list[str]:
        return [name for name, md5 in self._files() if not check_integrity(self._path(name), md5)]

    def _path(self, name: str) -> str:
        return os.path.join(self._folder(), name)

    def _delete_damaged(self) -> bool:
        """Delete downloads with a wrong checksum; whether there were any."""
        damaged = [
            path
            for path, md5 in self._archives()
            if os.path.isfile(path) and not check_integrity(path, md5)
        ]
        for path in damaged:
            os.remove(path)
        return bool(damaged)

    def _explain(self, why: str) -> str:
        return (
            f"data.root={self._root}: {', '.join(self._missing())} missing or damaged, and {why}, "
            f"or put the unpacked files into {self._folder()}"
        )

    @abc.abstractmethod
    def _narrow(self) -> dict[str, Any]:
        """Class attributes of `source` to replace, so that one split suffices."""

    @abc.abstractmethod
    def _folder(self) -> str:
        """Where the unpacked files lie."""

    @abc.abstractmethod
    def _files(self) -> list[tuple[str, str | None]]:
        """Unpacked files needed and, where known, their md5."""

    @abc.abstractmethod
    def _archives(self) -> list[tuple[str, str]]:
        """Paths of what is downloaded, with their md5."""


class MNIST(Downloaded):
    """Handwritten digits, 28x28 gray, 60,000 to train and 10,000 to test (LeCun et al. 1998)."""

    source = datasets.MNIST
    class_names = tuple("0123456789")

    def _narrow(self) -> dict[str, Any]:
        prefix = "train" if self.split == "train" else "t10k"
        resources = [r for r in self.source.resources if r[0].startswith(prefix)]
        return {"resources": resources}

    def _folder(self) -> str:
        return os.path.join(self._root, self.source.__name__, "raw")

    def _files(self) -> list[tuple[str, str | None]]:
        return [(name.removesuffix(".gz"), None) for name, _ in self._narrow()["resources"]]

    def _archives(self) -> list[tuple[str, str]]:
        return [(self._path(name), md5) for name, md5 in self._narrow()["resources"]]


class FashionMNIST(MNIST):
    """Clothes, 28x28 gray, in MNIST's numbers and format (Xiao et al. 2017)."""

    source = datasets.FashionMNIST
    class_names = tuple(datasets.FashionMNIST.classes)


class CIFAR10(Downloaded):
    """Ten kinds of things, 32x32 RGB, 50,000 to train and 10,000 to test (Krizhevsky 2009)."""

    source = datasets.CIFAR10
    class_names = (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )

    def _narrow(self) -> dict[str, Any]:
        return {"test_list" if self.split == "train" else "train_list": []}

    def _folder(self) -> str:
        return os.path.join(self._root, self.source.base_folder)

    def _files(self) -> list[tuple[str, str | None]]:
        batches = self.source.train_list if self.split == "train" else self.source.test_list
        meta = (self.source.meta["filename"], self.source.meta["md5"])
        return [*cast(list[tuple[str, str]], batches), meta]

    def _archives(self) -> list[tuple[str, str]]:
        return [(os.path.join(self._root, self.source.filename), self.source.tgz_md5)]
