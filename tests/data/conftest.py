from pathlib import Path

import pytest

from tests.data.image_files import write_image

SHARED = Path(__file__).parents[3] / "shared" / "datasets"


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    return SHARED


@pytest.fixture
def folder(tmp_path):
    """Three cats and two dogs of 8x8 pixels."""
    root = tmp_path / "images"
    for i, name in enumerate(["cat/0.png", "cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png"]):
        write_image(root / name, seed=i)
    return root
