"""gan-data resize and gan-data zip."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from gan_cli.data.folder import Folder
from tests.conftest import Command
from tests.data.image_files import write_image, zipped


@pytest.fixture
def pictures() -> Path:
    """Three cats and two dogs of several sizes."""
    root = Path("pictures")
    for i, name in enumerate(["cat/0.png", "cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png"]):
        write_image(root / name, i, (20 + i, 24))
    return root


def read_as_stylegan_does(path: Path) -> tuple[list[Image.Image], list[int] | None]:
    """Sorted images of a zip, and labels by name out of its dataset.json."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".png"))
        images = [Image.open(io.BytesIO(archive.read(name))) for name in names]
        labels = json.loads(archive.read("dataset.json"))["labels"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    return images, None if labels is None else [dict(labels)[name] for name in names]


def loaded(path: Path, **more: object) -> tuple[Folder, dict[str, torch.Tensor]]:
    data = Folder(str(path), image_size=16, **more)  # type: ignore[arg-type]
    data.prepare()
    return data, data.load()


@pytest.mark.parametrize("out", ["small.zip", "new/small"])
@pytest.mark.parametrize("channels", [1, 3])
def test_resized_images_are_what_training_would_see(
    gan_data: Command, pictures: Path, out: str, channels: int
) -> None:
    result = gan_data("resize", "pictures", f"out={out}", "image_size=16", f"channels={channels}")
    assert result.code == 0, result.err
    assert "5 images of 16x16" in result.out
    (before, old), (after, new) = (
        loaded(path, channels=channels) for path in (pictures, Path(out))
    )
    assert before.class_names == after.class_names == ("cat", "dog")
    assert torch.equal(old["image"], new["image"])
    assert torch.equal(old["label"], new["label"])
    assert sorted(p.name for p in Path().iterdir()) == sorted({"pictures", Path(out).parts[0]})


def test_the_stylegan_tools_read_it(gan_data: Command, pictures: Path) -> None:
    assert gan_data("resize", "pictures", "out=small.zip", "image_size=16").code == 0
    images, labels = read_as_stylegan_does(Path("small.zip"))
    assert {image.size for image in images} == {(16, 16)}
    assert labels == [0, 0, 0, 1, 1]
    flat = ["image_size=16", "labels=false"]
    assert gan_data("resize", "pictures", "out=flat.zip", *flat).code == 0
    assert read_as_stylegan_does(Path("flat.zip"))[1] is None
    assert loaded(Path("flat.zip"))[0].n_classes == 0


def test_the_same_images_make_the_same_zip(gan_data: Command, pictures: Path) -> None:
    for name in ("a", "b"):
        assert gan_data("resize", "pictures", f"out={name}.zip", "image_size=8").code == 0
    assert Path("a.zip").read_bytes() == Path("b.zip").read_bytes()


def test_a_zip_of_what_lies_there(gan_data: Command, pictures: Path) -> None:
    (pictures / "cat/notes.txt").write_text("no image")
    zipped(Path("pictures"), Path("around.zip"), prefix="around/")
    for source in ("pictures", "around.zip"):
        assert gan_data("zip", source, f"out={source}.packed.zip").code == 0
        with zipfile.ZipFile(f"{source}.packed.zip") as archive:
            assert "cat/notes.txt" not in archive.namelist()
            assert archive.read("cat/1.png") == (pictures / "cat/1.png").read_bytes()
        data, content = loaded(Path(f"{source}.packed.zip"))
        assert data.class_names == ("cat", "dog")
        assert content["label"].tolist() == [0, 0, 0, 1, 1]


def test_labels_of_a_file_are_kept(gan_data: Command) -> None:
    for number in range(3):
        write_image(Path(f"flat/{number}.png"), number)
    labels = [["0.png", 2], ["1.png", 0], ["2.png", 2]]
    Path("flat/dataset.json").write_text(json.dumps({"labels": labels}))
    assert gan_data("zip", "flat", "out=packed.zip").code == 0
    assert gan_data("resize", "packed.zip", "out=small.zip", "image_size=4").code == 0
    assert read_as_stylegan_does(Path("small.zip"))[1] == [2, 0, 2]


@pytest.mark.parametrize("verb", ["resize", "zip"])
@pytest.mark.parametrize("limit", ["null", "3"])
def test_damaged_files(gan_data: Command, pictures: Path, verb: str, limit: str) -> None:
    (pictures / "cat/1.png").write_bytes(b"no image")
    arguments = [verb, "pictures", "out=out.zip", f"limit={limit}"]
    arguments += ["image_size=8"] if verb == "resize" else []
    result = gan_data(*arguments)
    assert result.code == 2
    assert len(result.problems) == 1
    assert "pictures/cat/1.png: cannot be used (not an image)" in result.err
    assert "on_corrupt=skip" in result.err
    assert [p.name for p in Path().iterdir()] == ["pictures"]
    result = gan_data(*arguments, "on_corrupt=skip")
    assert result.code == 0, result.err
    assert "skipping pictures/cat/1.png (not an image)" in result.out
    total = 5 if limit == "null" else 3
    assert f"skipped 1 of {total} images" in result.out
    labels = read_as_stylegan_does(Path("out.zip"))[1]
    assert labels == ([0, 0, 1, 1] if total == 5 else [0, 1])


def test_an_output_of_which_writing_fails_is_not_there(
    gan_data: Command, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    result = gan_data("resize", "pictures", "out=small", "image_size=8")
    assert result.code == 2
    assert result.problems == [
        "gan-data resize: out=small: cannot be written (No space left on device)"
    ]
    assert [p.name for p in Path().iterdir()] == ["pictures"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resize", "pictures", "out=taken", "image_size=8"], "out=taken: is there already"),
        (["zip", "pictures", "out=pictures"], "out=pictures: should end in .zip"),
        (["zip", "pictures", "out=taken.zip"], "out=taken.zip: is there already"),
        (["resize", "pictures", "out=x"], "image_size: missing; give image_size=..."),
        (["resize", "pictures", "image_size=8"], "out: missing"),
        (["resize", "out=x", "image_size=8"], "path: missing"),
        (["resize", "a", "b", "out=x", "image_size=8"], "a b: one path at a time"),
        (["resize", "pictures", "out=x", "image_size=0"], "image_size=0: should be greater"),
        (["resize", "pictures", "out=x", "image_size=8", "channels=2"], "should be 1 or 3"),
        (["resize", "pictures", "out=x", "size=8"], "size: no such key; did you mean image_size?"),
        (["resize", "loose", "out=x", "image_size=8"], "set labels=false for no classes"),
        (["zip", "pictures", "out=taken/x.zip"], "out=taken/x.zip: cannot be written"),
    ],
)
def test_mistakes(gan_data: Command, pictures: Path, arguments: list[str], said: str) -> None:
    Path("taken").write_text("mine")
    Path("taken.zip").write_text("mine")
    write_image(Path("loose/a.png"))
    write_image(Path("loose/cat/b.png"))
    result = gan_data(*arguments)
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert said in result.problems[0]
    assert Path("taken").read_text() == Path("taken.zip").read_text() == "mine"
    assert not Path("x").exists()
