"""The digits bundled with scikit-learn: nothing to download."""

from typing import Literal

import torch

from gan_cli.data.dataset import Dataset, Pictures
from gan_cli.data.images import require_channels, resize, set_channels
from gan_cli.ranges import Count

_TRAIN = 1497
_TOTAL = 1797


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

    def __init__(
        self,
        image_size: Count = 16,
        channels: Literal[1, 3] = 1,
        split: Literal["train", "test"] = "train",
        limit: Count | None = None,
        n_classes: Literal[10] = 10,
    ) -> None:
        require_channels(channels)
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        rows = slice(_TRAIN) if split == "train" else slice(_TRAIN, _TOTAL)
        self._rows = range(_TOTAL)[rows][:limit]

    def prepare(self) -> None:
        """Nothing to do."""

    def __len__(self) -> int:
        return len(self._rows)

    def load(self) -> Pictures:
        """uint8 [N, channels, image_size, image_size] and the digits' values."""
        from sklearn.datasets import load_digits  # imports half of scipy: only when it is needed

        pixels, values = load_digits(return_X_y=True)
        first, last = self._rows.start, self._rows.stop
        images = torch.from_numpy(pixels[first:last]).float().view(-1, 1, 8, 8) * (255 / 16)
        labels = torch.from_numpy(values[first:last]).long()
        return Pictures(set_channels(resize(images, self.image_size), self.channels), labels)
