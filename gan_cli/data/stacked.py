"""Digits laid one on another: a thousand modes that can be counted."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.dataset import Dataset, Split
from gan_cli.data.torchvision import MNIST
from gan_cli.ranges import Count, Natural

IMAGES = 128_000


class StackedMNIST(Dataset):
    """Three digits of MNIST, drawn independently, as the channels of one image.

    The label is 100 a + 10 b + c for the digits a, b, c in the first, second and third channel.

    Metz et al. 2017, "Unrolled generative adversarial networks", section 3.3.1; with 128,000
    images, and 26,000 samples to judge by: Srivastava et al. 2017, "VEEGAN"; Lin et al. 2018,
    "PacGAN".

    Args:
        root: folder in torchvision's layout, the same as of `MNIST`.
        split: digits of MNIST's `train` or `test` part.
        download: fetch what is missing.
        limit: number of images; None: `IMAGES`.
        seed: which digits stand together; it is apart from the run's seed, so runs share their
            data.
        image_size: resized to this (bicubic, antialiased).
        channels: always 3, written down so that other parts of a config can refer to it.
        n_classes: always 1000, likewise.
    """

    planes = 3
    class_names = tuple(f"{number:03d}" for number in range(1000))

    def __init__(
        self,
        root: str = "data",
        split: Split = "train",
        download: bool = True,
        limit: Count | None = IMAGES,
        seed: Natural = 0,
        image_size: Count = 28,
        channels: Literal[3] = 3,
        n_classes: Literal[1000] = 1000,
    ) -> None:
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self._digits = MNIST(image_size, 1, root, split, download)
        self.limit, self._seed = limit, seed

    def prepare(self) -> None:
        """Download what is missing, then read it.

        Raises:
            UserError: files are missing or damaged and cannot be downloaded; says which ones.
        """
        self._digits.prepare()

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images."""
        return {"": self.limit or IMAGES}

    def load(self) -> dict[str, Tensor]:
        """uint8 [limit, 3, image_size, image_size] and labels in 0..999."""
        digits = self._digits.load()
        draw = randomness.generator("stacked", self._digits.split, self._seed)
        shape = (self.sizes[""], self.planes)
        index = torch.randint(len(digits["image"]), shape, generator=draw)
        values = digits["label"][index]  # [N, 3]
        labels = values[:, 0] * 100 + values[:, 1] * 10 + values[:, 2]
        return {"image": digits["image"][:, 0][index], "label": labels}  # [N, 3, H, W]

    @property
    def part(self) -> str:
        """MNIST's split."""
        return self._digits.part

    def held_out(self) -> "StackedMNIST":
        """Digits of MNIST's other split."""
        return self._changed(_digits=self._digits.held_out(), limit=None)
