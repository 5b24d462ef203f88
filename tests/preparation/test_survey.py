"""gan-data check."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Command
from tests.data.image_files import write_image, zipped


@pytest.fixture
def pictures() -> Path:
    """Two cats and a dog, one of them gray, and what else lies around."""
    root = Path("pictures")
    write_image(root / "cat/a.png", 0, (40, 30))
    write_image(root / "cat/b.jpg", 1, (20, 30))
    (root / "dog").mkdir()
    Image.new("L", (30, 40)).save(root / "dog/c.png")
    (root / "dog/notes.txt").write_text("no image")
    return root


def test_what_is_there(gan_data: Command, pictures: Path) -> None:
    result = gan_data("check", "pictures")
    assert result.code == 0, result.err
    said = result.out
    assert "pictures: 3 images, " in said
    assert "30x40 (2), 30x20 (1)" in said
    assert "RGB (2), L (1)" in said
    assert "PNG (2), JPEG (1)" in said
    assert "2: cat (2), dog (1)" in said
    assert "1 file that are no images" in said
    assert "damaged" not in said
    assert "gan-train data=folder data.root=pictures data.image_size=16" in said
    with Image.open("contact-pictures.png") as sheet:
        assert sheet.width == 2 * 66 + 2  # a column a class
        assert sheet.height > 2 * 64


def test_the_command_it_advises_trains(
    gan_data: Command, gan_train: Command, pictures: Path
) -> None:
    (pictures / "cat/broken.png").write_bytes(b"no image")
    said = gan_data("check", "pictures").out
    words = said[said.index("gan-train data=folder") :].split()[1:]
    assert "data.on_corrupt=skip" in words
    small = ["debug=fast", "data.batch_size=2", "model.generator.width=8"]
    assert gan_train(*words, *small, "model.discriminator.width=8").code == 0


def test_damaged_files_are_named_and_counted(gan_data: Command, pictures: Path) -> None:
    whole = (pictures / "cat/a.png").read_bytes()
    (pictures / "cat/short.png").write_bytes(whole[: len(whole) // 2])
    (pictures / "dog/empty.png").touch()
    result = gan_data("check", "pictures")
    assert result.code == 1
    assert result.problems == ["gan-data check: 2 of 5 images cannot be read; see above"]
    assert "pictures/cat/short.png (" in result.out
    assert "pictures/dog/empty.png (the file is empty)" in result.out
    assert "2: cat (2), dog (1)" in result.out


def test_nothing_but_damage(gan_data: Command) -> None:
    Path("bad").mkdir()
    Path("bad/a.png").write_bytes(b"x")
    result = gan_data("check", "bad")
    assert result.code == 1
    assert "none" in result.out
    assert not Path("contact-bad.png").exists()


def test_several_paths_zips_and_odd_names(gan_data: Command, pictures: Path) -> None:
    zipped(pictures, "it's, a [zip].zip")
    result = gan_data("check", "it's, a [zip].zip", "pictures")
    assert result.code == 0, result.err
    assert result.out.count("3 images") == 2
    assert Path("contact-it's, a [zip].png").is_file()


def test_classes_that_cannot_be_told(gan_data: Command, pictures: Path) -> None:
    write_image(pictures / "loose.png")
    result = gan_data("check", "pictures")
    assert result.code == 0
    assert "cannot be told" in result.out
    assert "data.labels=false" in result.out


def test_many_sizes_are_summed_up(gan_data: Command) -> None:
    for size in range(20, 30):
        write_image(Path(f"flat/{size}.png"), size, (size, size))
    said = gan_data("check", "flat").out
    assert "and 6 others" in said
    assert "shorter side 20 to 29, half of them from 25 on" in said
    assert "classes  none" in said
    with Image.open("contact-flat.png") as sheet:
        assert np.asarray(sheet).shape == (2 * 66 + 2, 8 * 66 + 2, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "gan-data check: paths: missing; give paths=..."),
        (["check", "nope"], "gan-data check: path=nope: not there"),
        (["check", "pictures", "sheet=taken.png"], "sheet=taken.png: is there already"),
        (["check", "pictures", "pictures", "sheet=a.png"], "leave it out with several paths"),
        (["check", "pictures", "shete=a.png"], "shete: no such key; did you mean sheet?"),
        (["check", "pictures", "sheet=taken.png/a.png"], "sheet=taken.png/a.png: cannot be"),
        (["chek", "pictures"], "gan-data: chek: no such command; did you mean check?"),
        (["check", "empty"], "path=empty: no images in it"),
    ],
)
def test_mistakes(gan_data: Command, pictures: Path, arguments: list[str], said: str) -> None:
    Path("taken.png").write_text("mine")
    Path("empty").mkdir()
    result = gan_data(*arguments)
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert said in result.problems[0]
    assert Path("taken.png").read_text() == "mine"


def test_help(gan_data: Command) -> None:
    assert "usage: gan-data check|resize|zip PATH" in gan_data("--help").out
    assert gan_data().out == gan_data("--help").out
    assert "usage: gan-data resize PATH [KEY=VALUE" in gan_data("resize", "--help").out
    assert "takes 1 or 3" in gan_data("resize", "--explain", "channels").out
    assert "takes error or skip" in gan_data("zip", "--explain", "on_corrupt").out
    assert "a list of names" in gan_data("check", "--explain", "paths").out
