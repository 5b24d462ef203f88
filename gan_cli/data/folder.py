"""A person's own images: a folder or a zip."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from gan_cli.data.classes import Classes, find_base, find_classes
from gan_cli.data.dataset import StreamableDataset
from gan_cli.data.image_files import ImageFiles, open_image_files, spread
from gan_cli.data.images import UnreadableImageError, require_channels
from gan_cli.errors import UserError
from gan_cli.ranges import Count, Natural


class Folder(StreamableDataset):
    """Images in a folder or a .zip, with a class per subfolder, labels in a file, or none.

    Classes are the subfolders by name; a folder of nothing but images has none. A `dataset.json`
    beside them, {"labels": [[name, class number], ...] or null, "classes": [names]}, says otherwise
    (the layout of the StyleGAN dataset tools). Folders around all of it are ignored, as are hidden
    files. Every image is turned as its EXIF says, laid on white where transparent, resized
    (shorter side, bicubic, antialiased) and cut out in the middle.

    Args:
        root: path of the folder or zip; only read.
        image_size: height and width to make.
        channels: 1 (grayscale) or 3 (RGB), whatever the files hold.
        labels: false takes all images below the root, however they lie, without classes.
        n_classes: what must be found; None accepts what is found.
        limit: so many images, spread evenly over the sorted names; None for all.
        on_corrupt: a damaged image is an error, or is left out and counted. To know which ones,
            `skip` decodes every image once more before training.
        cache: keep what was decoded, and the list of many files, for the next start, among the
            user's caches.
    """

    def __init__(
        self,
        root: str,
        image_size: Count = 64,
        channels: Literal[1, 3] = 3,
        labels: bool = True,
        n_classes: Natural | None = None,
        limit: Count | None = None,
        on_corrupt: Literal["error", "skip"] = "error",
        cache: bool = True,
    ) -> None:
        require_channels(channels)
        self.image_size, self.channels = image_size, channels
        self.n_classes, self.limit = n_classes or 0, limit
        self.labels: Mapping[str, Tensor] = {}
        self._root, self._labelled, self._expected = root, labels, n_classes
        self._on_corrupt, self._cache = on_corrupt, "folder" if cache else None
        self._names: Sequence[str] = ()
        self._images: ImageFiles

    def prepare(self) -> None:
        """List the images and number their classes."""
        self._images = open_image_files(
            self._root, self.image_size, self.channels, cache=self._cache is not None
        )
        names = self._images.names
        classes = self._find_classes(names)
        self.n_classes, self.class_names = classes.count, classes.names
        kept = spread(len(names), self.limit)
        if self._on_corrupt == "skip":
            some = [names[i] for i in kept]
            kept = self._images.whole(lambda i: self._images.decode(names[i]), kept, some)
        self._names = [names[i] for i in kept]
        if classes.labels is not None:
            self.labels = {"label": torch.tensor([classes.labels[i] for i in kept])}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images."""
        return {"": len(self._names)}

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, channels, image_size, image_size] and labels."""
        images = self._images.load(self._open, self._names, self._names, cache=self._cache)
        return {"image": images, **self.labels}

    def open(self, group: str, index: int) -> dict[str, Tensor]:
        """Decode one image to uint8 [channels, image_size, image_size]."""
        return {"image": self._open(self._names[index])}

    def listing(self, group: str) -> list[tuple[str, int]]:
        """Name and size in bytes of each image."""
        return [(name, self._images.files.sizes[name]) for name in self._names]

    def _open(self, name: str) -> Tensor:
        try:
            return self._images.decode(name)
        except UnreadableImageError as error:
            advice = "fix or remove it, or set data.on_corrupt=skip"
            raise self._images.unusable(name, error, advice) from error

    def _find_classes(self, names: Sequence[str]) -> Classes:
        if not self._labelled:
            if self._expected:
                raise UserError(
                    f"data.n_classes={self._expected} but data.labels=false leaves none; "
                    "set data.n_classes=null or data.labels=true"
                )
            return Classes(None)
        files = self._images.files
        classes = find_classes(files, names, find_base(list(files.sizes)))
        if self._expected not in (None, classes.count):
            raise UserError(
                f"data.n_classes={self._expected} but {self._root} has {classes.count} classes; "
                f"set data.n_classes={classes.count} (or null for as many as there are)"
            )
        return classes
