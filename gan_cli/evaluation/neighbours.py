"""Fakes beside the images that lie nearest to them, for a person to look at."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan_cli.errors import UserError
from gan_cli.metrics.diversity import NearestNeighbours
from gan_cli.viz.images import CAPTION, SMALLEST, save_png, text_row, tile

LINE = 6
"""Width in pixels of the white line between what is compared."""
CAPTIONS = {
    "neighbours": ("fake", "nearest training images"),
    "near_duplicates": ("fake", "its twin"),
}
"""What stands over the two sides of each sheet."""


def save_neighbours(
    nearest: NearestNeighbours,
    fakes: Tensor,
    real: Tensor,
    folder: Path,
    prefix: str = "",
    suffix: str = "",
) -> list[Path]:
    """Write two sheets, `neighbours.png` and `near_duplicates.png`; returns where.

    The first has a fake in each row and, right of the line, the training images nearest to it.
    The second has a pair of fakes in each row, the closest pairs first.

    Args:
        nearest: what lies next to what.
        fakes: uint8 [N, C, H, W].
        real: uint8 [M, C, H, W].
        folder: where to, there already.
        prefix: what their names begin with.
        suffix: what their names end in.

    Raises:
        UserError: they cannot be written.
    """
    pairs = fakes[nearest.near_duplicates]  # [P, 2, C, H, W]
    sheets = {
        "neighbours": (fakes[: len(nearest.training), None], real[nearest.training]),
        "near_duplicates": (pairs[:, :1], pairs[:, 1:]),
    }
    paths = []
    for sheet, (left, right) in sheets.items():
        path = folder / f"{prefix}{sheet}{suffix}.png"
        try:
            save_png(side_by_side(left, right, CAPTIONS[sheet]), path)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error
        paths.append(path)
    return paths


def side_by_side(left: Tensor, right: Tensor, captions: tuple[str, str]) -> Tensor:
    """Two tables of images with a white line between them, uint8 [3, height, width].

    Args:
        left: uint8 [R, A, C, H, W].
        right: uint8 [R, B, C, H, W].
        captions: what stands over each.
    """
    tables = [
        torch.cat([text_row([caption], CAPTION, table.shape[2]), table], dim=1)
        for caption, part in zip(captions, (left, right), strict=True)
        for table in [tile(_enlarged(part.flatten(0, 1)), part.shape[1])]
    ]
    line = torch.full((3, tables[0].shape[1], LINE), 255, dtype=torch.uint8)
    return torch.cat([tables[0], line, tables[1]], dim=2)


def _enlarged(images: Tensor) -> Tensor:
    factor = max(1, round(SMALLEST / images.shape[-1]))
    return interpolate(images, scale_factor=factor, mode="nearest")
