import json
import logging
import os
import zipfile

import pytest
import torch
from PIL import Image

from gan_cli.data import image_files as module
from gan_cli.data.fields import Field
from gan_cli.data.folder import Folder
from gan_cli.errors import UserError
from tests.data.image_files import write_image, zipped


def prepared(root, image_size=8, **options):
    dataset = Folder(str(root), image_size, **options)
    dataset.prepare()
    return dataset


def refusal(call, *arguments, **options):
    """The message of the UserError, checked to be one line."""
    with pytest.raises(UserError) as error:
        call(*arguments, **options)
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)
    return str(error.value)


def test_images_and_labels_of_a_folder_of_classes(folder):
    dataset = prepared(folder)
    data = dataset.load()
    assert (len(dataset), dataset.n_classes) == (5, 2)
    assert data["image"].shape == (5, 3, 8, 8)
    assert data["label"].tolist() == [0, 0, 0, 1, 1]
    for i in range(5):
        assert torch.equal(data["image"][i], dataset.open("", i)["image"])


def test_threads_decode_the_same(folder, monkeypatch):
    serial = prepared(folder).load()["image"]
    monkeypatch.setattr(module, "_THREADS_FROM_BYTES", 0)
    assert torch.equal(prepared(folder).load()["image"], serial)


@pytest.mark.parametrize("prefix", ["", "wrapped/"])
def test_a_zip_equals_its_folder(folder, tmp_path, prefix):
    archive = zipped(folder, tmp_path / "a.zip", zipfile.ZIP_DEFLATED, prefix)
    a, b = prepared(folder).load(), prepared(archive).load()
    assert torch.equal(a["image"], b["image"])
    assert torch.equal(a["label"], b["label"])


def test_a_flat_folder_is_unlabelled_and_one_image_is_a_dataset(tmp_path):
    write_image(tmp_path / "one.png")
    dataset = prepared(tmp_path, n_classes=0)
    assert (len(dataset), dataset.n_classes, dataset.labels) == (1, 0, {})
    assert list(dataset.load()) == list(dataset.fields) == ["image"]


def test_labels_from_a_file(folder):
    table = {"labels": [[f"{c}/{i}.png", i % 3] for i, c in enumerate(["cat"] * 3 + ["dog"] * 2)]}
    (folder / "dataset.json").write_text(json.dumps(table))
    dataset = prepared(folder)
    assert (dataset.labels["label"].tolist(), dataset.n_classes) == ([0, 1, 2, 0, 1], 3)


def test_classes_keep_their_names(folder):
    assert Folder(str(folder)).class_names == ()
    assert prepared(folder).class_names == ("cat", "dog")
    labels = [[f"{path.parent.name}/{path.name}", 0] for path in folder.rglob("*.png")]
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, "classes": ["x", "y", "z"]}))
    assert prepared(folder).class_names == ("x", "y", "z")


@pytest.mark.parametrize("loose", ["loose.png", "cat/deep/er.png"])
def test_without_labels_images_may_lie_anyhow(folder, loose):
    write_image(folder / loose, seed=9)
    dataset = prepared(folder, labels=False)
    assert (len(dataset), dataset.n_classes, dataset.class_names) == (6, 0, ())
    assert list(dataset.fields) == ["image"]
    (folder / "dataset.json").write_text("{}")
    assert len(prepared(folder, labels=False)) == 6
    assert "data.labels=false" in refusal(prepared, folder, labels=False, n_classes=2)


def test_a_mixed_folder_says_how_to_do_without_classes(folder):
    write_image(folder / "loose.png")
    assert "data.labels=false" in refusal(prepared, folder)


def test_fields_are_known_before_the_classes(folder):
    shape = (3, 8, 8)
    dataset = Folder(str(folder), 8)
    assert dict(dataset.fields) == {"image": Field("image", shape)}
    dataset.prepare()
    assert dict(dataset.fields) == {"image": Field("image", shape), "label": Field("label")}


def test_it_comes_in_one_piece_and_whole(folder):
    dataset = prepared(folder, limit=2)
    assert dataset.held_out() is None
    whole = dataset.whole()
    whole.prepare()
    assert (len(dataset), len(whole)) == (2, 5)


def test_mixed_sizes_and_modes_become_one(tmp_path):
    write_image(tmp_path / "wide.png", size=(20, 50))
    write_image(tmp_path / "tiny.png", size=(3, 2))
    Image.new("RGBA", (30, 30)).save(tmp_path / "clear.png")
    assert prepared(tmp_path, 16).load()["image"].shape == (3, 3, 16, 16)
    assert prepared(tmp_path, 16, channels=1).load()["image"].shape == (3, 1, 16, 16)


def test_limit_takes_from_every_class(folder):
    dataset = prepared(folder, limit=2)
    assert [name for name, _ in dataset.listing("")] == ["cat/0.png", "cat/2.png"]
    assert prepared(folder, limit=3).labels["label"].tolist() == [0, 0, 1]
    assert len(prepared(folder, limit=99)) == 5
    assert prepared(folder, limit=1).n_classes == 2


def test_another_number_of_classes_is_refused(folder):
    message = refusal(prepared, folder, n_classes=10)
    assert "data.n_classes=10" in message
    assert "has 2 classes" in message


@pytest.mark.parametrize("name", ["with space", "ünï-点", "a=b,c", "[x]{y}", "100%"])
def test_odd_names(folder, tmp_path, name):
    odd = tmp_path / name
    folder.rename(odd)
    (odd / "cat").rename(odd / name)
    assert prepared(odd).load()["image"].shape[0] == 5
    assert len(prepared(zipped(odd, tmp_path / f"{name}.zip")).load()["image"]) == 5


def test_names_that_are_not_utf_8(folder, monkeypatch):
    """Linux takes any bytes for a name; what is damaged is skipped and logged all the same."""
    said = []  # kept from pytest's own log, which parallel workers cannot send to each other
    monkeypatch.setattr(module.log, "warning", lambda text, *values: said.append(text % values))
    odd = os.fsencode(folder) + b"/\xff"
    os.mkdir(odd)
    os.rename(folder / "cat" / "0.png", odd + b"/1\xfe.png")
    with open(odd + b"/2\xfe.png", "wb") as file:
        file.write(b"no image")
    found = prepared(folder, on_corrupt="skip")
    assert len(found.load()["image"]) == 5
    assert "\udcff" in found.class_names
    assert any("\udcfe.png" in line for line in said)


def test_a_read_only_folder_stays_as_it_is(folder):
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in paths}
    try:
        assert len(prepared(folder).load()["image"]) == 5
        assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before
    finally:
        for path in paths:
            path.chmod(0o755)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_no_images(tmp_path, kind):
    root = tmp_path / "empty"
    root.mkdir()
    (root / "readme.txt").write_text("soon")
    path = zipped(root, tmp_path / "empty.zip") if kind == "zip" else root
    assert f"data.root={path}: no images" in refusal(prepared, path)


def test_a_missing_folder(tmp_path):
    assert "data.root=" in refusal(prepared, tmp_path / "gone")


DAMAGE = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:60]),
    "empty": lambda path: path.write_bytes(b""),
    "a web page": lambda path: path.write_text("<html>404</html>"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", ["folder", "zip"])
class TestDamaged:
    @pytest.fixture
    def root(self, folder, tmp_path, damage, kind):
        DAMAGE[damage](folder / "cat" / "1.png")
        return zipped(folder, tmp_path / "a.zip") if kind == "zip" else folder

    def test_is_an_error_that_names_it(self, root):
        dataset = prepared(root)
        message = refusal(dataset.load)
        name = f"{root}:cat/1.png" if root.suffix == ".zip" else str(root / "cat" / "1.png")
        assert message.startswith(name)
        assert "data.on_corrupt=skip" in message
        assert refusal(dataset.open, "", 1) == message

    def test_or_is_skipped_counted_and_logged(self, root, caplog):
        with caplog.at_level(logging.WARNING):
            dataset = prepared(root, on_corrupt="skip")
        assert [name[4] for name, _ in dataset.listing("")] == ["0", "2", "3", "4"]
        assert dataset.load()["label"].tolist() == [0, 0, 1, 1]
        assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
        assert "cat/1.png" in caplog.text
        assert "skipped 1 of 5" in caplog.text


def test_an_empty_file_is_called_empty(folder):
    (folder / "cat" / "0.png").write_bytes(b"")
    assert "cat/0.png: cannot be used (the file is empty)" in refusal(prepared(folder).load)


def test_nothing_but_damaged_images(folder):
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    assert "none of its 5 images" in refusal(prepared, folder, on_corrupt="skip")


def test_a_decompression_bomb_is_refused_by_name(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    message = refusal(prepared(folder).load)
    assert message.startswith(str(folder / "cat" / "0.png"))
    assert "bomb" in message


def test_an_enormous_file_is_refused_unread(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.png", bytes(1001))
    message = refusal(prepared(tmp_path / "a.zip").load)
    assert "zeros.png: cannot be used (1001 bytes" in message


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_image_without_permission(folder):
    (folder / "cat" / "0.png").chmod(0)
    assert "Permission denied" in refusal(prepared(folder).load)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="channels=2"):
        Folder("x", 8, channels=2)


def test_real_images_in_the_label_files_numbers(shared):
    archive = shared / "cifar10" / "cifar10-test-first1000.zip"
    dataset = prepared(archive, 32)
    data = dataset.load()
    assert data["image"].shape == (1000, 3, 32, 32)
    assert dataset.n_classes == 10
    names = [name for name, _ in dataset.listing("")]
    by_class = {
        name.split("/")[0]: label for name, label in zip(names, data["label"].tolist(), strict=True)
    }
    assert by_class["airplane"] == 0
    assert by_class["truck"] == 9
