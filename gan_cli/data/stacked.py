"""Digits laid one on another: a thousand modes that can be counted."""

from typing import Literal

import torch

from gan_cli import randomness
from gan_cli.data.dataset import Dataset, Pictures
from gan_cli.data.torchvision import MNIST
from gan_cli.ranges import Count, Natural

PICTURES = 128_000


class StackedMNIST(Dataset):
    """Three digits of MNIST, drawn independently, as the channels of one picture.

    The label is 100 a + 10 b + c for the digits a, b, c in the first, second and third channel.

    Metz et al. 2017, "Unrolled generative adversarial networks", section 3.3.1; with 128,000
    pictures, and 26,000 samples to judge by: Srivastava et al. 2017, "VEEGAN"; Lin et al. 2018,
    "PacGAN".

    Args:
        root: folder in torchvision's layout, the same as of `MNIST`.
        split: digits of MNIST's `train` or `test` part.
        download: fetch what is missing.
        limit: number of pictures; None: `PICTURES`.
        seed: which digits stand together; it is apart from the run's seed, so runs share their
            data.
        image_size: resized to this (bicubic, antialiased).
        channels: always 3, written down so that other parts of a config can refer to it.
        n_classes: always 1000, likewise.
    """

    planes = 3

    def __init__(
        self,
        root: str = "data",
        split: Literal["train", "test"] = "train",
        download: bool = True,
        limit: Count | None = PICTURES,
        seed: Natural = 0,
        image_size: Count = 28,
        channels: Literal[3] = 3,
        n_classes: Literal[1000] = 1000,
    ) -> None:
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self._digits = MNIST(image_size, 1, root, split, download)
        self._split, self._size, self._seed = split, limit or PICTURES, seed

    def prepare(self) -> None:
        """Download what is missing, then read it.

        Raises:
            UserError: files are missing or damaged and cannot be downloaded; says which ones.
        """
        self._digits.prepare()

    def __len__(self) -> int:
        return self._size

    def load(self) -> Pictures:
        """uint8 [limit, 3, image_size, image_size] and labels in 0..999."""
        digits = self._digits.load()
        assert digits.labels is not None
        draw = randomness.generator("stacked", self._split, self._seed)
        index = torch.randint(len(digits.images), (self._size, self.planes), generator=draw)
        values = digits.labels[index]  # [N, 3]
        labels = values[:, 0] * 100 + values[:, 1] * 10 + values[:, 2]
        return Pictures(digits.images[:, 0][index], labels)  # [N, 3, H, W]
