"""The digits bundled with scikit-learn: nothing to download."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gan_cli.data.dataset import Dataset, Split, other
from gan_cli.data.images import require_channels, resize, set_channels
from gan_cli.ranges import Count

ROWS = {"train": range(1497), "test": range(1497, 1797)}


class Digits(Dataset):
    """1,797 handwritten digits of 8x8 pixels in 17 shades, ten classes.

    The test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998), by
    13 writers that were not among the training part's 30.

    Args:
        image_size: resized to this (bicubic, antialiased); 8 leaves them as they are.
        channels: 1, or 3 for the same gray three times.
        split: `train` is the first 1,497 digits, `test` the last 300.
        limit: the first so many digits; None for all.
        n_classes: ten, written down so that other parts of a config can refer to it.
    """

    class_names = tuple("0123456789")

    def __init__(
        self,
        image_size: Count = 16,
        channels: Literal[1, 3] = 1,
        split: Split = "train",
        limit: Count | None = None,
        n_classes: Literal[10] = 10,
    ) -> None:
        require_channels(channels)
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self.split, self.limit = split, limit

    def prepare(self) -> None:
        """Nothing to do."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of digits."""
        return {"": len(self._rows)}

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, channels, image_size, image_size] and the digits' values."""
        first, last = self._rows.start, self._rows.stop
        table = np.loadtxt(_file(), delimiter=",", max_rows=last, ndmin=2)
        rows = torch.from_numpy(table[first:])
        images = rows[:, :64].float().view(-1, 1, 8, 8) * (255 / 16)
        labels = rows[:, 64].long()
        images = set_channels(resize(images, self.image_size), self.channels)
        return {"image": images, "label": labels}

    @property
    def part(self) -> str:
        """The split."""
        return self.split

    def held_out(self) -> "Digits":
        """The other split."""
        return self._changed(split=other(self.split), limit=None)

    @property
    def _rows(self) -> range:
        return ROWS[self.split][: self.limit]


def _file() -> Path:
    """Where scikit-learn keeps them; importing it would import half of scipy, for one file."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
