"""Fakes beside the pictures they are most like, for a person to look at."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.utils import make_grid

from gan_cli.errors import UserError
from gan_cli.metrics.diversity import Likeness
from gan_cli.viz.images import SMALLEST, save_png

LINE = 6
"""Width in pixels of the white line between what is compared."""


def save_likeness(
    likeness: Likeness, fakes: Tensor, real: Tensor, folder: Path, prefix: str = ""
) -> list[Path]:
    """Write `neighbours.png` and `duplicates.png`; returns where.

    The first has a fake in each row and, right of the line, the training pictures nearest to it.
    The second has a pair of fakes in each row, the pairs most alike.

    Args:
        likeness: who is like whom.
        fakes: uint8 [N, C, H, W].
        real: uint8 [M, C, H, W].
        folder: where to, there already.
        prefix: what the names begin with.

    Raises:
        UserError: they cannot be written.
    """
    pairs = fakes[likeness.twins]  # [P, 2, C, H, W]
    sheets = {
        "neighbours": side_by_side(
            fakes[: len(likeness.neighbours), None], real[likeness.neighbours]
        ),
        "duplicates": side_by_side(pairs[:, :1], pairs[:, 1:]),
    }
    paths = []
    for name, sheet in sheets.items():
        path = folder / f"{prefix}{name}.png"
        try:
            save_png(sheet, path)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error
        paths.append(path)
    return paths


def side_by_side(left: Tensor, right: Tensor) -> Tensor:
    """Two tables of pictures with a white line between them, uint8 [3, height, width].

    Args:
        left: uint8 [R, A, C, H, W].
        right: uint8 [R, B, C, H, W].
    """
    tables = [
        make_grid(_enlarged(part.flatten(0, 1)), nrow=part.shape[1]) for part in (left, right)
    ]
    line = torch.full((3, tables[0].shape[1], LINE), 255, dtype=torch.uint8)
    return torch.cat([tables[0], line, tables[1]], dim=2)


def _enlarged(pictures: Tensor) -> Tensor:
    factor = max(1, round(SMALLEST / pictures.shape[-1]))
    return interpolate(pictures, scale_factor=factor, mode="nearest")
