"""Mixtures of Gaussians in the plane, where every mode a generator misses can be seen."""

import itertools
import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.dataset import Dataset
from gan_cli.data.fields import Kind
from gan_cli.ranges import Count, Natural

SCALE = {"ring": 2.5, "grid": 5.0}
"""Published units per unit here. It puts the outermost means at 0.8 and leaves 20 standard
deviations around them inside [-1, 1], where a tanh generator can reach."""

_STD = {"ring": 0.02, "grid": 0.05}

POINTS = 100_000


class Gaussians(Dataset):
    """Equally likely Gaussians on a ring or a grid, as images of one pixel and two channels.

    Ring: 8 modes at radius 2, standard deviation 0.02 (Metz et al. 2017, "Unrolled generative
    adversarial networks"). Grid: 25 modes at (-4, -2, 0, 2, 4)^2, standard deviation 0.05
    (Srivastava et al. 2017, "VEEGAN"; Lin et al. 2018, "PacGAN", which draws 100,000 points). All
    are divided by `SCALE`.

    Args:
        layout: `ring` or `grid`.
        limit: number of points; null: `POINTS`.
        seed: which points; it is apart from the run's seed, so runs share their data.
        n_classes: the number of modes, 8 or 25; labels are the modes' numbers.
        image_size: always 1, written down so that other parts of a config can refer to it.
        channels: always 2, likewise.

    Attributes:
        centres: float32 [K, 2], the modes' means, in [-1, 1].
        std: standard deviation of a mode in each direction, in the same units.

    Raises:
        ValueError: `n_classes` is not the layout's number of modes.
    """

    kind: ClassVar[Kind] = "point"

    def __init__(
        self,
        layout: Literal["ring", "grid"] = "ring",
        limit: Count | None = POINTS,
        seed: Natural = 0,
        n_classes: Literal[8, 25] = 8,
        image_size: Literal[1] = 1,
        channels: Literal[2] = 2,
    ) -> None:
        self.centres = _ring() if layout == "ring" else _grid()
        if n_classes != len(self.centres):
            raise ValueError(
                f"n_classes={n_classes}: layout={layout} has {len(self.centres)} modes, "
                f"set n_classes={len(self.centres)}"
            )
        self.centres /= SCALE[layout]
        self.std = _STD[layout] / SCALE[layout]
        self.image_size, self.channels, self.n_classes = image_size, channels, n_classes
        self.class_names = tuple(map(str, range(n_classes)))
        self.limit, self._layout, self._seed = limit, layout, seed

    def prepare(self) -> None:
        """Nothing to do."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of points."""
        return {"": self.limit or POINTS}

    def load(self) -> dict[str, Tensor]:
        """float32 [limit, 2, 1, 1] and the modes' numbers [limit]."""
        size = self.sizes[""]
        draw = randomness.generator("gaussians", self._layout, self._seed)
        labels = torch.randint(self.n_classes, (size,), generator=draw)
        noise = torch.randn(size, 2, generator=draw)
        points = noise.mul_(self.std).add_(self.centres[labels])
        return {"image": points.view(size, 2, 1, 1), "label": labels}

    @property
    def part(self) -> str:
        """The seed."""
        return f"seed {self._seed}"

    def held_out(self) -> "Gaussians":
        """The next seed's points."""
        return self._changed(_seed=self._seed + 1, limit=None)


def _ring() -> Tensor:
    angles = torch.arange(8) * (2 * math.pi / 8)
    return 2 * torch.stack([angles.cos(), angles.sin()], dim=1)


def _grid() -> Tensor:
    return torch.tensor(list(itertools.product((-4.0, -2.0, 0.0, 2.0, 4.0), repeat=2)))
