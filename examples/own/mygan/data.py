"""A dataset: images that are drawn, not read."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.dataset import Dataset
from gan_cli.ranges import Count, Natural


class Shapes(Dataset):
    """Discs, squares and diamonds of any place and size, bright on dark; three classes.

    Args:
        image_size: height and width.
        count: how many.
        seed: which ones.
        channels: always 1, written down so that other parts of a config can refer to it.
        n_classes: always 3, likewise.
    """

    class_names = ("disc", "square", "diamond")

    def __init__(
        self,
        image_size: Count = 16,
        count: Count = 1000,
        seed: Natural = 0,
        channels: Count = 1,
        n_classes: Count = 3,
    ) -> None:
        if (channels, n_classes) != (1, 3):
            raise ValueError("channels should be 1 and n_classes 3")
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self.count, self._seed = count, seed

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images."""
        return {"": self.count}

    def prepare(self) -> None:
        """Nothing to download."""

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, 1, H, W] and labels int64 [N]."""
        draw = randomness.generator("shapes", self._seed)
        label = torch.randint(3, (self.count,), generator=draw)
        radius = 0.15 + 0.2 * torch.rand(self.count, 1, 1, generator=draw)  # of the image's width
        x, y = (1 - 2 * radius) * torch.rand(2, self.count, 1, 1, generator=draw) + radius
        pixel = (torch.arange(self.image_size) + 0.5) / self.image_size
        dx, dy = (pixel - x).abs(), (pixel[:, None] - y).abs()  # [N, 1, W], [N, H, 1]
        distances = (dx**2 + dy**2).sqrt(), torch.maximum(dx, dy), dx + dy  # one for each class
        distance = torch.stack(distances)[label, torch.arange(self.count)]  # [N, H, W]
        bright = ((radius - distance) * self.image_size + 0.5).clamp(0, 1)  # soft at the edge
        return {"image": (bright * 255).byte()[:, None], "label": label}

    def held_out(self) -> "Shapes":
        """The next seed's."""
        return self._changed(_seed=self._seed + 1)
