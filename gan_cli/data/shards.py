"""Images in tar shards, as WebDataset writes them: for what lies on object storage."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gan_cli.data.dataset import StreamableDataset
from gan_cli.data.images import UnreadableImageError, decode, require_channels
from gan_cli.data.memory import GIB
from gan_cli.data.tar_shards import (
    NO_CLASS,
    Contents,
    contents_of,
    expand,
    fetch,
    is_elsewhere,
    joined,
    read_at,
)
from gan_cli.errors import UserError
from gan_cli.metrics.progress import track
from gan_cli.ranges import Count, Natural, Positive


class Shards(StreamableDataset):
    """Samples in .tar files: an image `<key>.png` (.jpg, .webp, ...), and its class `<key>.cls`.

    What fits into memory is decoded once and drawn in any order. What does not is drawn shard by
    shard, in an order that is another one in each epoch, and in random order within each; so a
    shard should be a fair sample of all, as it is where samples were shuffled before they were
    written. Either way sample k follows from the seed and k, and a run goes on where it stopped.

    Args:
        root: a folder of .tar, or shards as WebDataset writes them: `train-{000..099}.tar`, paths
            or URLs, `::` between several, or `pipe:` and a command. Only read.
        image_size: height and width to make.
        channels: 1 (grayscale) or 3 (RGB), whatever the files hold.
        labels: false leaves classes out.
        n_classes: what must be found; None accepts what is found.
        limit: the first so many samples; None for all.
        room: GiB that copies of shards from elsewhere may take among the user's caches.
        download: whether shards may be fetched from elsewhere, and commands be run for them.
    """

    local = False

    def __init__(
        self,
        root: str,
        image_size: Count = 64,
        channels: Literal[1, 3] = 3,
        labels: bool = True,
        n_classes: Natural | None = None,
        limit: Count | None = None,
        room: Positive = 50.0,
        download: bool = True,
    ) -> None:
        require_channels(channels)
        self.image_size, self.channels = image_size, channels
        self.n_classes, self.limit = n_classes or 0, limit
        self.labels: Mapping[str, Tensor] = {}
        self._root, self._labelled, self._expected = root, labels, n_classes
        self._room, self._download = room * GIB, download
        self._shards: Sequence[str] = ()
        self._ends = np.zeros(0, np.int64)
        self._contents: Contents

    def prepare(self) -> None:
        """List the shards and their samples: read through once, known from then on.

        Raises:
            UserError: a shard is not there or damaged, or classes are not what they should be.
        """
        self._shards = expand(self._root)
        found: list[Contents] = []
        with track(len(self._shards), "listing shards", "shard") as advance:
            for shard in self._shards:
                found.append(contents_of(self._here(shard)))
                advance(1)
        everything = joined(found)
        count = min(self.limit or len(everything.sizes), len(everything.sizes))
        if not count:
            raise UserError(f"data.root={self._root}: no image in its shards; see docs/large_data")
        self._contents = Contents(*(column[:count] for column in everything))
        self._ends = np.cumsum([len(each.sizes) for each in found]).clip(max=count)
        runs = np.diff(self._ends, prepend=0)
        self.runs = {"": [int(n) for n in runs if n]}
        self._number_classes()

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of samples."""
        return {"": int(self._ends[-1]) if len(self._ends) else 0}

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, channels, image_size, image_size] and labels."""
        images = torch.empty(
            len(self), self.channels, self.image_size, self.image_size, dtype=torch.uint8
        )
        with track(len(self), "decoding", "img") as advance:
            for row in range(len(self)):
                images[row] = self.open("", row)["image"]
                advance(1)
        return {"image": images, **self.labels}

    def open(self, group: str, index: int) -> dict[str, Tensor]:
        """Decode one image to uint8 [channels, image_size, image_size]."""
        shard = self._shards[int(np.searchsorted(self._ends, index, side="right"))]
        offset, size = (int(column[index]) for column in self._contents[:2])
        try:
            file = BytesIO(read_at(self._here(shard), offset, size))
            return {"image": decode(file, self.image_size, self.channels)}
        except (UnreadableImageError, OSError) as error:
            raise UserError(
                f"{shard}: its sample {index} cannot be used ({error}); write the shard anew"
            ) from error

    def listing(self, group: str) -> list[tuple[str, int]]:
        """Where each sample lies, and its size in bytes."""
        shards = np.searchsorted(self._ends, np.arange(len(self)), side="right")
        places = zip(shards.tolist(), self._contents.offsets.tolist(), strict=True)
        return [
            (f"{shard}:{offset}", size)
            for (shard, offset), size in zip(places, self._contents.sizes.tolist(), strict=True)
        ]

    def _here(self, shard: str) -> str:
        if not is_elsewhere(shard):
            return shard
        if not self._download:
            raise UserError(
                f"data.download=false: {shard} lies elsewhere; set data.download=true to fetch it"
            )
        return fetch(shard, self._room)

    def _number_classes(self) -> None:
        labels = torch.from_numpy(self._contents.labels)
        without = int((labels == NO_CLASS).sum())
        if not self._labelled or without == len(labels):
            found = 0
        elif without:
            raise UserError(
                f"data.root={self._root}: {without} of {len(labels)} samples have no .cls; add "
                "them, or set data.labels=false"
            )
        else:
            found = int(labels.max()) + 1
        if self._expected is not None and found > self._expected:
            raise UserError(
                f"data.n_classes={self._expected} but the shards have classes 0 to {found - 1}; "
                f"set data.n_classes={found} (or null for as many as there are)"
            )
        if self._expected and not found:
            raise UserError(
                f"data.n_classes={self._expected} but the shards have no classes; set "
                "data.n_classes=null, or write a .cls beside each image"
            )
        self.n_classes = self._expected or found
        if found:
            self.labels = {"label": labels}
            self.class_names = tuple(map(str, range(self.n_classes)))
