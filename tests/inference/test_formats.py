"""How gan-sample lays out what was drawn."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from gan_cli.inference.formats import MOST_COLUMNS, Shown, by_kind, columns_of_each, writer_of
from gan_cli.viz import images
from gan_cli.viz.plane import BOTTOM, LEFT, RIGHT, TOP


def shown(label: list[int], names: list[str] | None = None) -> Shown:
    """Images of one pixel's shade each, by their number."""
    fake = (torch.arange(len(label)).float() / 100).view(-1, 1, 1, 1).expand(-1, 1, 48, 48)
    labels = torch.tensor(label)
    return Shown({"fake": fake}, "fake", "image", labels, None, names or [], [], None)


def grid(path: str) -> Tensor:
    with Image.open(path) as image:
        return images.from_pil(image)


@pytest.mark.parametrize(
    ("count", "kinds", "columns"),
    [(64, 10, 1), (64, 2, 4), (64, 3, 3), (64, 1, 8), (4, 2, 1), (1000, 2, 8), (5, 16, 1)],
)
def test_classes_share_about_a_square(count: int, kinds: int, columns: int) -> None:
    assert columns_of_each(count, kinds) == columns
    assert columns * kinds <= MOST_COLUMNS


def test_each_class_has_columns_of_its_own() -> None:
    assert by_kind([0, 1, 0, 1, 0, 1], 2, 1) == [0, 1, 2, 3, 4, 5]
    assert by_kind([0, 1] * 4, 2, 2) == [0, 2, 1, 3, 4, 6, 5, 7]
    assert by_kind([0, 1, 0, 1, 0], 2, 2) == [0, 2, 1, 3, 4]
    assert by_kind([0, 1, 1, 1], 2, 2) == [0, -1, 1, 2, -1, -1, 3]


def test_two_classes_are_a_grid_and_no_strip() -> None:
    """Each in half of the columns, under its name."""
    writer_of("out.png")(shown([0, 1] * 32, ["cat", "dog"]), Path("out.png"))
    image = grid("out.png")
    cell, heading = 48 + images.BORDER, images.HEADING
    assert image.shape == (3, 8 * cell + images.BORDER + heading, 8 * cell + images.BORDER)
    middles = [images.BORDER + 24 + n * cell for n in range(8)]
    first = image[0, heading + images.BORDER + 24, middles]
    expected = images.to_bytes(torch.tensor([0, 2, 4, 6, 1, 3, 5, 7]) / 100)
    assert first.tolist() == expected.tolist()
    names = image[0, :heading, images.BORDER :]
    for half in names.split(4 * cell, dim=1)[:2]:
        dark = (half < 128).any(0).nonzero()
        assert len(dark)
        assert dark.float().mean() == pytest.approx(2 * cell, abs=4)


def test_one_class_stands_under_its_name() -> None:
    writer_of("out.png")(shown([1] * 9, ["cat", "dog"]), Path("out.png"))
    assert (grid("out.png")[0, : images.HEADING] < 128).any()


def test_points_stand_beside_real_ones() -> None:
    points = torch.zeros(5, 2, 1, 1)
    real = torch.full((5, 2, 1, 1), 0.5)
    found = []
    for options in ({}, {"real": real}, {"real": real, "caption": "step 7"}):
        plot = Shown({"fake": points}, "fake", "point", None, None, [], [], None, **options)  # type: ignore[arg-type]
        writer_of("out.png")(plot, Path("out.png"))
        found.append(grid("out.png"))
    assert found[0].shape == (3, TOP + 480 + BOTTOM, LEFT + 480 + RIGHT)
    bare, beside, captioned = found
    square = slice(TOP, -BOTTOM), slice(LEFT, -RIGHT)
    assert (bare[:, *square] != beside[:, *square]).any()
    assert torch.equal(beside[:, *square], captioned[:, *square])
    assert not torch.equal(beside, captioned)
