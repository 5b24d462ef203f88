import logging
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from gan_cli.data.pairs import Pairs
from gan_cli.errors import UserError
from tests.data.image_files import write_image, zipped


def prepared(root, **options):
    dataset = Pairs(str(root), 8, **options)
    dataset.prepare()
    return dataset


def refusal(call, *arguments, **options):
    with pytest.raises(UserError) as error:
        call(*arguments, **options)
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)
    return str(error.value)


def gray(path, value, size=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value,) * 3).save(path)


def beside(path, left, right, size=(8, 8)):
    """Two gray images in one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], 2 * size[0], 3), left, dtype=np.uint8)
    pixels[:, size[0] :] = right
    Image.fromarray(pixels).save(path)


def tones(data):
    """The gray of each source and target."""
    return [
        (int(s[0, 0, 0]), int(t[0, 0, 0]))
        for s, t in zip(data["source"], data["target"], strict=True)
    ]


@pytest.fixture
def halves(tmp_path):
    root = tmp_path / "facades"
    for i in range(4):
        beside(root / "train" / f"{i}.png", i, 100 + i)
    beside(root / "val" / "9.png", 9, 109)
    return root


@pytest.fixture
def folders(tmp_path):
    root = tmp_path / "maps"
    for i in range(4):
        gray(root / "A" / f"{i}.png", i)
        gray(root / "B" / f"{i}.bmp", 100 + i)
    return root


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("layout", ["halves", "folders"])
def test_both_layouts_from_a_folder_and_a_zip(layout, kind, request, tmp_path):
    root = request.getfixturevalue(layout)
    if kind == "zip":
        root = zipped(root, tmp_path / "a.zip", zipfile.ZIP_DEFLATED, "wrapped/")
    dataset = prepared(root)
    assert tones(dataset.load()) == [(i, 100 + i) for i in range(4)]
    assert tones(prepared(root, direction="ba").load()) == [(100 + i, i) for i in range(4)]
    assert list(dataset.fields) == ["source", "target"]
    assert (len(dataset), dataset.n_classes, dataset.labels) == (4, 0, {})
    one, data = dataset.open("", 2), dataset.load()
    assert all(torch.equal(one[name], data[name][2]) for name in dataset.fields)
    assert one["source"].shape == (3, 8, 8)
    assert len(dataset.listing("")) == (4 if layout == "halves" else 8)


def test_the_middle_of_each_half_is_taken(tmp_path):
    beside(tmp_path / "wide.png", 10, 200, size=(20, 8))
    data = prepared(tmp_path, channels=1).load()
    assert data["source"].unique().tolist() == [10]
    assert data["target"].unique().tolist() == [200]


def test_the_other_split_is_held_out_where_there_is_one(halves, folders):
    dataset = prepared(halves, limit=2)
    held_out = dataset.held_out()
    held_out.prepare()
    assert (tones(held_out.load()), held_out.part) == ([(9, 109)], "test")
    assert [tone[0] for tone in tones(dataset.load())] == [0, 2]  # spread
    assert prepared(folders).held_out() is None
    message = refusal(prepared, folders, split="test")
    assert f"data.root={folders}: no folder for data.split=test" in message


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (("trainA", "trainB"), ("testA", "testB")),
        (("train_A", "train_B"), ("val_A", "val_B")),
        (("train/A", "train/B"), ("test/A", "test/B")),
        (("A/train", "B/train"), ("A/val", "B/val")),
    ],
)
def test_where_sides_and_splits_may_lie(tmp_path, train, test):
    for (a, b), tone in [(train, 0), (test, 50)]:
        gray(tmp_path / "data" / a / "x.png", tone)
        gray(tmp_path / "data" / b / "x.png", tone + 1)
    assert tones(prepared(tmp_path).load()) == [(0, 1)]
    assert tones(prepared(tmp_path, split="test").load()) == [(50, 51)]


def test_folders_of_other_names(tmp_path):
    gray(tmp_path / "sketch" / "x.png", 1)
    gray(tmp_path / "photo" / "x.png", 2)
    assert tones(prepared(tmp_path, a="sketch", b="photo").load()) == [(1, 2)]


@pytest.mark.parametrize("side", ["A", "B"])
def test_a_file_without_its_counterpart_is_named(folders, side):
    gray(folders / side / "deep" / "9.png", 0)
    message = refusal(prepared, folders)
    assert message.startswith(f"{folders / side / 'deep' / '9.png'}: has no counterpart")
    gray(folders / side / "deep" / "8.png", 0)
    assert "8.png" in refusal(prepared, folders)
    assert "1 more" in refusal(prepared, folders)


def test_two_files_of_one_name_are_named(folders):
    gray(folders / "A" / "0.bmp", 0)
    message = refusal(prepared, folders)
    assert "0.png: has the same name as A/0.bmp" in message


@pytest.mark.parametrize("side", ["A", "B"])
def test_an_empty_side_is_named(folders, side):
    for path in (folders / side).iterdir():
        path.unlink()
    message = refusal(prepared, folders)
    assert f"data.root={folders}" in message
    assert f"side {side!r} is empty" in message


def test_shapes_that_do_not_lie_on_one_another(folders):
    gray(folders / "B" / "1.bmp", 0, size=(16, 16))  # the same shape, larger: fine
    assert len(prepared(folders).load()["source"]) == 4
    gray(folders / "B" / "1.bmp", 0, size=(16, 8))
    message = refusal(prepared(folders).load)
    assert message.startswith(f"{folders / 'A' / '1.png'}: cannot be used (8x8 pixels, but its")


def test_single_images_are_no_pairs(tmp_path):
    write_image(tmp_path / "x.png")
    message = refusal(prepared(tmp_path).load)
    assert message.startswith(f"{tmp_path / 'x.png'}: cannot be used (8x8 pixels are no two images")


def test_damaged_pairs_are_an_error_or_left_out(folders, caplog):
    (folders / "B" / "1.bmp").write_bytes(b"")
    dataset = prepared(folders)
    message = refusal(dataset.load)
    assert "1.png: cannot be used (its counterpart B/1.bmp: the file is empty)" in message
    assert refusal(dataset.open, "", 1) == message
    with caplog.at_level(logging.WARNING):
        assert [s for s, _ in tones(prepared(folders, on_corrupt="skip").load())] == [0, 2, 3]
    assert "skipped 1 of 4" in caplog.text
