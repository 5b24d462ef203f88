"""Grids, scatter plots and files."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from gan_cli.viz import images as pictures


def test_bytes_span_the_range() -> None:
    x = torch.tensor([-1.0, 0.0, 1.0, 7.0, -7.0])
    assert pictures.to_bytes(x).tolist() == [0, 128, 255, 255, 0]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_is_one_rgb_picture(channels: int) -> None:
    image = pictures.grid(torch.zeros(6, channels, 64, 64), columns=3)
    assert image.dtype == torch.uint8
    assert image.shape[0] == 3
    assert image.shape[2] > image.shape[1]


def test_small_pictures_are_enlarged() -> None:
    assert pictures.grid(torch.zeros(1, 1, 8, 8)).shape[1] >= pictures.SMALLEST


def test_columns_are_columns() -> None:
    """Two pictures a row: the second, white, is on the right."""
    images = torch.stack([torch.full((1, 64, 64), v) for v in (-1.0, 1.0)])
    image = pictures.grid(images, columns=2)
    assert image[0, 32, 32] == 0
    assert image[0, 32, 98] == 255


def test_points_become_a_scatter_plot() -> None:
    points = torch.tensor([[0.5, 0.5]]).view(1, 2, 1, 1)
    image = pictures.grid(points)
    dark = (image.float().mean(0) < 200).nonzero()
    y, x = dark.float().mean(0) / image.shape[1]
    assert x > 0.6
    assert y < 0.4


def test_a_png_is_written_whole(tmp_path: Path) -> None:
    image = torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8)
    pictures.save_png(image, tmp_path / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    with Image.open(tmp_path / "a.png") as read:
        assert read.size == (7, 5)


def test_a_gif_moves(tmp_path: Path) -> None:
    frames = [torch.full((3, 4, 4), v, dtype=torch.uint8) for v in (0, 100, 200)]
    pictures.save_gif(frames, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as read:
        assert getattr(read, "n_frames") == 3  # noqa: B009


def test_left_and_right_stand_apart() -> None:
    left, right = (torch.full((3, 5, 4), v, dtype=torch.uint8) for v in (10, 20))
    both = pictures.beside(left, right, gap=2)
    assert both[0, 0].tolist() == [10] * 4 + [255] * 2 + [20] * 4


def test_a_caption_stands_below() -> None:
    image = torch.full((3, 5, 80), 7, dtype=torch.uint8)
    shown = pictures.captioned(image, "step 1,000")
    assert shown.shape == (3, 5 + pictures.CAPTION, 80)
    assert torch.equal(shown[:, :5], image)
    assert shown[:, 5:].min() < 100
    assert shown[:, 5:].float().mean() > 200


def test_to_pillow_and_back() -> None:
    image = torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8)
    assert torch.equal(pictures.from_pil(pictures.to_pil(image)), image)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    pictures.save_whole(b"old", path)

    def fail(self: Path, content: bytes) -> None:
        self.touch()
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space"):
        pictures.save_whole(b"new", path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.3, 0.6)])
def test_a_film_keeps_its_colors(tmp_path: Path, tint: tuple[float, float, float]) -> None:
    """Nearly, with one palette for all: also those that only the last frame has."""
    ramp = torch.arange(256).expand(3, 8, 256)
    frames = [ramp.roll(8 * i, dims=2).to(torch.uint8) for i in range(20)]
    frames[-1] = (ramp * torch.tensor(tint).view(3, 1, 1)).to(torch.uint8)
    pictures.save_gif(frames, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as read:
        for i, frame in enumerate(frames):
            read.seek(i)
            assert (pictures.from_pil(read).int() - frame.int()).abs().max() <= 12
