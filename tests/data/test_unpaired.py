import logging
import zipfile

import pytest
import torch

from gan_cli.data.unpaired import Unpaired
from gan_cli.errors import UserError
from tests.data.image_files import write_image, zipped


def prepared(root, **options):
    dataset = Unpaired(str(root), 8, **options)
    dataset.prepare()
    return dataset


def refusal(*arguments, **options):
    with pytest.raises(UserError) as error:
        prepared(*arguments, **options)
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)
    return str(error.value)


def write(root, *folders):
    """One image in the first folder, two in the second, ..."""
    for number, folder in enumerate(folders, 1):
        for i in range(number):
            write_image(root / folder / f"{i}.png", seed=10 * number + i)
    return root


def folders(dataset):
    return [dataset.listing(side)[0][0].rpartition("/")[0] for side in "ab"]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_two_sides_from_a_folder_and_a_zip(tmp_path, kind):
    root = write(tmp_path / "h2z", "trainA", "trainB", "testA", "testB")
    if kind == "zip":
        root = zipped(root, tmp_path / "a.zip", zipfile.ZIP_DEFLATED, "wrapped/")
    dataset = prepared(root)
    assert (dataset.sizes, len(dataset), dataset.n_classes) == ({"a": 1, "b": 2}, 2, 0)
    assert {name: field.group for name, field in dataset.fields.items()} == {"a": "a", "b": "b"}
    data = dataset.load()
    assert {side: x.shape for side, x in data.items()} == {"a": (1, 3, 8, 8), "b": (2, 3, 8, 8)}
    assert torch.equal(dataset.open("b", 1)["b"], data["b"][1])
    held_out = dataset.held_out()
    held_out.prepare()
    assert (held_out.sizes, held_out.part) == ({"a": 3, "b": 4}, "test")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("A", "B"), ["A", "B"]),
        (("zebras", "horses"), ["horses", "zebras"]),
        (("x/zebras", "x/horses"), ["x/horses", "x/zebras"]),
        (("train/z", "train/h", "test/z", "test/h"), ["train/h", "train/z"]),
        (("A", "B", "other"), ["A", "B"]),
        (("trainA", "trainB", "A", "B"), ["trainA", "trainB"]),
    ],
)
def test_where_sides_may_lie(tmp_path, names, expected):
    assert folders(prepared(write(tmp_path, *names))) == expected


def test_named_sides(tmp_path):
    write(tmp_path, "x", "y", "z")
    assert folders(prepared(tmp_path, a="z", b="x")) == ["z", "x"]
    assert "has the folders x, y, z" in refusal(tmp_path)
    assert "side 'w' is empty" in refusal(tmp_path, a="x", b="w")
    assert "no two folders" in refusal(tmp_path, a="v", b="w")


@pytest.mark.parametrize(("full", "empty"), [("trainA", "trainB"), ("B", "A")])
def test_an_empty_side_is_named(tmp_path, full, empty):
    write(tmp_path, full)
    (tmp_path / empty).mkdir()
    message = refusal(tmp_path)
    assert f"{empty}/ has no images" in message
    assert f"side {empty[-1]!r} is empty" in message
    (tmp_path / empty / "notes.txt").write_text("soon")
    assert refusal(tmp_path) == message


@pytest.mark.parametrize("names", [(".",), ("only",), ("train", "test")])
def test_what_has_no_two_sides(tmp_path, names):
    write(tmp_path, *names)
    assert f"data.root={tmp_path}: no two folders of images" in refusal(tmp_path)


def test_without_a_test_part_there_is_nothing_to_hold_out(tmp_path):
    write(tmp_path, "A", "B")
    assert prepared(tmp_path).held_out() is None
    assert "data.split=test" in refusal(tmp_path, split="test")


def test_limit_and_damage_count_on_each_side(tmp_path, caplog):
    write(tmp_path, "x", "y", "A", "B")
    assert prepared(tmp_path, limit=2).sizes == {"a": 2, "b": 2}
    (tmp_path / "B" / "1.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"B/1.png: cannot be used.*data.on_corrupt=skip"):
        prepared(tmp_path).load()
    with caplog.at_level(logging.WARNING):
        assert prepared(tmp_path, on_corrupt="skip").sizes == {"a": 3, "b": 3}
    assert "skipped 1 of 4" in caplog.text
