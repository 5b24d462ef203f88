import os

import pytest
import torch

from gan_cli.data import given_images
from gan_cli.data.given_images import read_images
from gan_cli.data.image_files import spread
from gan_cli.errors import UserError
from tests.data.image_files import write_image, zipped


def refusal(path):
    with pytest.raises(UserError) as error:
        read_images(path, 8, 3)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_its_zip_and_its_files_one_by_one(folder, tmp_path):
    images, names = read_images(folder, 8, 3)
    assert images.shape == (5, 3, 8, 8)
    assert images.dtype == torch.uint8
    assert names == ["cat/0.png", "cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png"]
    archived, same = read_images(zipped(folder, tmp_path / "a.zip"), 8, 3)
    assert torch.equal(archived, images)
    assert same == names
    single, name = read_images(folder / "dog" / "3.png", 8, 3)
    assert torch.equal(single[0], images[3])
    assert name == ["3.png"]


def test_other_channels_are_refused(folder):
    with pytest.raises(UserError, match=r"cat/0.png: .*\(3 channels, RGB; the model takes 1 chan"):
        read_images(folder, 4, 1)
    write_image(folder / "dog" / "3.png", mode="L")
    assert refusal(folder).startswith(
        f"{folder / 'dog' / '3.png'}: cannot be used (1 channel, gray"
    )


def test_a_file_needs_no_extension_and_its_folder_is_not_read(folder):
    (folder / "dog" / "3.png").rename(folder / "dog" / "3")
    (folder / "cat" / "0.png").write_bytes(b"")
    assert read_images(folder / "dog" / "3", 8, 3)[1] == ["3"]


def test_what_is_wrong_is_named(folder, tmp_path):
    assert refusal(tmp_path / "gone").startswith(f"input={tmp_path / 'gone'}: not there")
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty").startswith(f"input={tmp_path / 'empty'}: no images")
    (tmp_path / "notes.txt").write_text("no image")
    expected = f"{tmp_path / 'notes.txt'}: cannot be used (not an image)"
    assert refusal(tmp_path / "notes.txt").startswith(expected)
    (folder / "cat" / "1.png").write_bytes(b"")
    assert refusal(folder).startswith(f"{folder / 'cat' / '1.png'}: cannot be used (the file is")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").startswith(f"input={tmp_path / 'pipe'}: neither")


def test_more_than_the_memory_holds_is_refused(folder, monkeypatch):
    monkeypatch.setattr(given_images, "available_bytes", lambda: 5 * 3 * 64 - 1)
    assert "5 images take" in refusal(folder)


def test_spread_takes_from_everywhere():
    assert spread(10, 4) == [0, 2, 5, 7]
    assert spread(3, 9) == spread(3, None) == [0, 1, 2]


def test_one_image_beside_a_broken_one(tmp_path):
    write_image(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    assert read_images(tmp_path / "a.png", 8, 3)[1] == ["a.png"]
