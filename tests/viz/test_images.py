"""Grids, sheets and files."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from gan_cli.viz import images


def test_bytes_span_the_range() -> None:
    x = torch.tensor([-1.0, 0.0, 1.0, 7.0, -7.0])
    assert images.to_bytes(x).tolist() == [0, 128, 255, 255, 0]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_is_one_rgb_image(channels: int) -> None:
    image = images.grid(torch.zeros(6, channels, 64, 64), columns=3)
    assert image.dtype == torch.uint8
    assert image.shape[0] == 3
    assert image.shape[2] > image.shape[1]


def test_small_images_are_enlarged() -> None:
    assert images.grid(torch.zeros(1, 1, 8, 8)).shape[1] >= images.SMALLEST


def test_columns_are_columns() -> None:
    """Two images a row: the second, white, is on the right."""
    image = images.grid(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 64, 64), columns=2)
    assert image[0, 32, 32] == 0
    assert image[0, 32, 98] == 255


def shades(*values: float, size: int = 64) -> torch.Tensor:
    """Gray images [N, 1, size, size]."""
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, size, size)


def test_one_panel_is_a_grid() -> None:
    x = shades(-1.0, 0.0, 1.0)
    assert torch.equal(images.sheet({"fake": x}, 3), images.grid(x, 3))


def test_panels_stand_side_by_side_under_their_captions() -> None:
    left, right = shades(-1.0, -1.0), shades(1.0, 1.0)
    image = images.sheet({"real": left, "fake": right}, 2)
    bare = images.grid(left, 2)
    assert image.shape == (3, bare.shape[1] + images.CAPTION, 2 * bare.shape[2] + images.GAP)
    assert torch.equal(image[:, images.CAPTION :, : bare.shape[2]], bare)
    assert torch.equal(image[:, images.CAPTION :, -bare.shape[2] :], images.grid(right, 2))
    strip = image[:, : images.CAPTION].float().mean(0)
    for half in (strip[:, : bare.shape[2]], strip[:, -bare.shape[2] :]):
        assert half.min() < 100, "no caption"


def test_a_heading_stands_over_its_column() -> None:
    image = images.sheet({"fake": shades(0.0, 0.0, 0.0, 0.0)}, 2, ["cat", ""])
    assert image.shape[1] == images.grid(shades(0.0, 0.0, 0.0, 0.0), 2).shape[1] + images.HEADING
    strip = image[:, : images.HEADING].float().mean(0)
    assert strip[:, :66].min() < 100
    assert strip[:, 66:].min() == 255


@pytest.mark.parametrize("columns", [None, 3, 8])
def test_there_may_be_more_headings_than_columns_or_fewer(columns: int | None) -> None:
    plain = images.sheet({"a": shades(0.0, 0.0)}, columns)
    for headings in (["0"], [str(n) for n in range(9)]):
        shown = images.sheet({"a": shades(0.0, 0.0)}, columns, headings)
        assert shown.shape == (3, plain.shape[1] + images.HEADING, plain.shape[2])


def test_long_names_are_abbreviated_and_keep_to_their_column() -> None:
    row = images.text_row(["a very long name of a class"] * 2, 16, 50)
    ink = (row.float().mean(0) < 128).any(0)
    assert not ink[:1].any()
    assert not ink[49:51].any()
    assert ink[5:45].any()
    assert ink[55:95].any()


def test_small_images_are_enlarged_by_a_whole_factor_to_the_height_of_large_ones() -> None:
    """As in super-resolution: 16 pixels beside 64."""
    image = images.sheet({"low": shades(0.0, size=16), "high": shades(0.0)})
    assert image.shape == (3, 64 + images.CAPTION, 2 * 64 + images.GAP)
    small = images.sheet({"low": shades(0.0, size=4), "high": shades(0.0, size=8)})
    assert small.shape == (3, 48 + images.CAPTION, 2 * 48 + images.GAP)


def test_gray_beside_color() -> None:
    assert images.sheet({"gray": shades(0.0), "color": torch.zeros(1, 3, 64, 64)}).shape[0] == 3


def test_a_png_is_written_whole(tmp_path: Path) -> None:
    image = torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8)
    images.save_png(image, tmp_path / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    with Image.open(tmp_path / "a.png") as read:
        assert read.size == (7, 5)


def test_a_gif_moves(tmp_path: Path) -> None:
    frames = [torch.full((3, 4, 4), v, dtype=torch.uint8) for v in (0, 100, 200)]
    images.save_gif(frames, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as read:
        assert getattr(read, "n_frames") == 3  # noqa: B009


def test_left_and_right_stand_apart() -> None:
    left, right = (torch.full((3, 5, 4), v, dtype=torch.uint8) for v in (10, 20))
    both = images.beside([left, right[:, :3]], gap=2)
    assert both[0, 0].tolist() == [10] * 4 + [255] * 2 + [20] * 4
    assert both[0, 4].tolist() == [10] * 4 + [255] * 6


def test_a_caption_stands_below() -> None:
    image = torch.full((3, 5, 80), 7, dtype=torch.uint8)
    shown = images.captioned(image, "step 1,000")
    assert shown.shape == (3, 5 + images.CAPTION, 80)
    assert torch.equal(shown[:, :5], image)
    assert shown[:, 5:].min() < 100
    assert shown[:, 5:].float().mean() > 200


def test_to_pillow_and_back() -> None:
    image = torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8)
    assert torch.equal(images.from_pil(images.to_pil(image)), image)


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.3, 0.6)])
def test_a_film_keeps_its_colors(tmp_path: Path, tint: tuple[float, float, float]) -> None:
    """Nearly, with one palette for all: also those that only the last frame has."""
    ramp = torch.arange(256).expand(3, 8, 256)
    frames = [ramp.roll(8 * i, dims=2).to(torch.uint8) for i in range(20)]
    frames[-1] = (ramp * torch.tensor(tint).view(3, 1, 1)).to(torch.uint8)
    images.save_gif(frames, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as read:
        for i, frame in enumerate(frames):
            read.seek(i)
            assert (images.from_pil(read).int() - frame.int()).abs().max() <= 12
