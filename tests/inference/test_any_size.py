"""gan-sample for games whose inputs may have any size."""

from pathlib import Path

import pytest
import torch
from PIL import Image

import gan_cli
from gan_cli.errors import UserError
from tests.conftest import Command, data_of, narrow
from tests.data.image_files import write_image
from tests.inference.test_class_names import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = ["data.limit=32", "data.batch_size=4"]
    folder = tmp_path_factory.mktemp("enlarging") / "run"
    return train(folder, "model=srgan", *data_of("srgan"), *narrow("srgan"), *small)


@pytest.fixture
def inputs() -> Path:
    write_image(Path("inputs/wide.jpg"), seed=1, size=(5, 9), mode="L")
    write_image(Path("inputs/more/tall.png"), seed=2, size=(8, 3), mode="L")
    return Path("inputs")


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_one_image_becomes_one_image(run: Path, gan_sample: Command, inputs: Path) -> None:
    result = gan_sample(f"checkpoint={run}", f"input={inputs}/wide.jpg", "out=large.png")
    assert result.code == 0, result.err
    assert size_of("large.png") == (36, 20)


def test_a_folder_becomes_a_folder(run: Path, gan_sample: Command, inputs: Path) -> None:
    assert gan_sample(f"checkpoint={run}", f"input={inputs}", "out=large/").code == 0
    assert size_of("large/wide.png") == (36, 20)
    assert size_of("large/more/tall.png") == (12, 32)


def test_a_picture_in_colour_is_refused_by_its_name(run: Path, gan_sample: Command) -> None:
    write_image(Path("colour/a.png"))
    result = gan_sample(f"checkpoint={run}", "input=colour", "out=large/")
    assert result.code == 2
    (line,) = result.problems
    assert "colour/a.png: cannot be used (3 channels, RGB; the model takes 1 channel" in line


@pytest.mark.parametrize(
    ("given", "out"), [("inputs", "a.png"), ("inputs/wide.jpg", "a.npz"), ("inputs", "a.gif")]
)
def test_what_cannot_hold_them(
    run: Path, gan_sample: Command, inputs: Path, given: str, out: str
) -> None:
    result = gan_sample(f"checkpoint={run}", f"input={given}", f"out={out}")
    assert result.code == 2
    (line,) = result.problems
    assert "end it in .png for one input, in / for several" in line
    assert not Path(out).exists()


@pytest.mark.parametrize("out", [[], ["out=large.png"], ["out=large/"]])
def test_an_input_that_is_not_there_is_named(
    run: Path, gan_sample: Command, out: list[str]
) -> None:
    result = gan_sample(f"checkpoint={run}", "input=nope.png", *out)
    assert result.code == 2
    assert result.problems == ["gan-sample: input=nope.png: not there"]


def test_the_library_takes_them_too(run: Path, inputs: Path) -> None:
    game = gan_cli.load(run)
    assert game.sample(input=inputs / "wide.jpg").shape == (1, 1, 20, 36)
    assert game.sample(input=Image.new("L", (6, 7))).shape == (1, 1, 28, 24)
    assert game.sample(input=torch.zeros(2, 1, 3, 5)).shape == (2, 1, 12, 20)
    with pytest.raises(UserError, match="of several sizes"):
        game.sample(input=inputs)
    with pytest.raises(UserError, match=r"takes \[N, 1, H, W\]"):
        game.sample(input=torch.zeros(2, 3, 3, 5))
