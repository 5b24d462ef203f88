"""Films of grids."""

import io
from pathlib import Path

import pytest
import torch
from PIL import Image

from gan_cli.viz.film import LONGEST, WIDEST, make_film, thin
from gan_cli.viz.images import CAPTION, save_png


def grids(folder: Path, count: int, size: tuple[int, int] = (20, 30)) -> dict[int, Path]:
    """`count` images that get lighter, by step: 10, 20, ..."""
    paths = {10 * (i + 1): folder / f"{i}.png" for i in range(count)}
    for i, path in enumerate(paths.values()):
        save_png(torch.full((3, *size), 10 + 2 * i, dtype=torch.uint8), path)
    return paths


def brightness(film: Image.Image, frame: int) -> int:
    film.seek(frame)
    pixel = film.convert("RGB").getpixel((1, 1))
    assert isinstance(pixel, tuple)
    return int(pixel[0])


def test_frames_come_in_the_order_of_steps_and_the_last_one_stays(tmp_path: Path) -> None:
    paths = grids(tmp_path, 3)
    gif = make_film(dict(reversed(paths.items())))
    assert gif is not None
    with Image.open(io.BytesIO(gif)) as film:
        assert film.size == (30, 20 + CAPTION)
        assert getattr(film, "n_frames") == 3  # noqa: B009
        assert [brightness(film, i) for i in range(3)] == pytest.approx([10, 12, 14], abs=1)
        assert film.info["duration"] == 2000
        film.seek(0)
        assert film.info["duration"] <= 500
        assert film.info["loop"] == 0


def test_a_long_run_is_thinned_out(tmp_path: Path) -> None:
    gif = make_film(grids(tmp_path, 120))
    assert gif is not None
    with Image.open(io.BytesIO(gif)) as film:
        assert getattr(film, "n_frames") == LONGEST  # noqa: B009
        assert brightness(film, 0) == pytest.approx(10, abs=1)
        assert brightness(film, LONGEST - 1) == pytest.approx(10 + 2 * 119, abs=1)


def test_thinning_is_even_and_keeps_both_ends() -> None:
    assert thin([5, 6, 7], 3) == [5, 6, 7]
    assert thin(range(0, 1000, 10), 4) == [0, 330, 660, 990]
    assert len(set(thin(range(101)))) == LONGEST


def test_a_wide_grid_is_made_smaller(tmp_path: Path) -> None:
    gif = make_film(grids(tmp_path, 2, size=(300, 1024)))
    assert gif is not None
    with Image.open(io.BytesIO(gif)) as film:
        assert film.size == (WIDEST, 150 + CAPTION)


def test_a_heavy_film_takes_fewer_frames(tmp_path: Path) -> None:
    source = torch.Generator().manual_seed(0)
    paths = {i: tmp_path / f"{i}.png" for i in range(20)}
    for path in paths.values():
        noise = torch.randint(0, 256, (3, 64, 64), generator=source, dtype=torch.uint8)
        save_png(noise, path)
    whole, light = make_film(paths), make_film(paths, heaviest=40_000)
    assert whole is not None
    assert light is not None
    assert len(light) < 45_000 < len(whole)
    with Image.open(io.BytesIO(light)) as film:
        assert 2 < getattr(film, "n_frames") < 20  # noqa: B009


def test_what_cannot_be_read_or_has_another_shape_is_left_out(tmp_path: Path) -> None:
    paths = grids(tmp_path, 6)
    paths[20].write_bytes(paths[20].read_bytes()[:60])
    paths[30].write_bytes(b"")
    paths[40].unlink()
    save_png(torch.zeros(3, 5, 5, dtype=torch.uint8), paths[10])
    gif = make_film(paths)
    assert gif is not None
    with Image.open(io.BytesIO(gif)) as film:
        assert film.size == (30, 20 + CAPTION)
        assert getattr(film, "n_frames") == 2  # noqa: B009


@pytest.mark.parametrize("count", [0, 1])
def test_one_grid_is_no_film(tmp_path: Path, count: int) -> None:
    assert make_film(grids(tmp_path, count)) is None
