import contextlib
import os
import pickle
import zipfile

import pytest

from gan_cli.data.files import open_files
from gan_cli.errors import UserError
from tests.data.image_files import zipped

NAMES = ["cat/0.png", "cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png"]


def test_a_folder_and_its_zip_hold_the_same(folder, tmp_path):
    directory = open_files(str(folder), "data.root")
    archive = open_files(str(zipped(folder, tmp_path / "a.zip", zipfile.ZIP_DEFLATED)), "data.root")
    assert list(directory.sizes) == NAMES
    assert directory.sizes == archive.sizes
    for name in NAMES:
        assert directory.read(name) == archive.read(name) == (folder / name).read_bytes()


def test_what_is_hidden_is_left_out(folder, tmp_path):
    for name in [".DS_Store", "cat/._0.png", "__MACOSX/cat/0.png", ".git/1.png"]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert list(open_files(str(folder), "data.root").sizes) == NAMES
    assert list(open_files(str(zipped(folder, tmp_path / "a.zip")), "data.root").sizes) == NAMES


def test_a_link_is_followed_and_a_loop_of_links_is_not(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "bird").mkdir(parents=True)
    (elsewhere / "bird" / "5.png").write_bytes(b"x")
    (folder / "bird").symlink_to(elsewhere / "bird")
    (folder / "cat" / "loop").symlink_to(folder)
    (folder / "dog" / "self").symlink_to(folder / "dog")
    (folder / "gone.png").symlink_to(tmp_path / "nothing")
    assert list(open_files(str(folder), "data.root").sizes) == ["bird/5.png", *NAMES]


def test_home_is_expanded(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert list(open_files("~", "data.root").sizes) == NAMES


@pytest.mark.parametrize(
    "name", ["../x.png", "a/../../x.png", "/etc/x.png", "a\\..\\x", "C:/x.png"]
)
def test_a_zip_that_leads_out_of_itself_is_refused(tmp_path, name):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fine.png", b"x")
        archive.writestr(name, b"x")
    with pytest.raises(UserError, match=r"evil.zip: refused") as error:
        open_files(str(path), "data.root")
    assert repr(name) in str(error.value)


def test_what_is_not_there_or_not_a_zip(tmp_path, folder):
    path = zipped(folder, tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:-30])
    text = tmp_path / "notes.txt"
    text.write_text("no images")
    for root, reason in [(path, "neither"), (text, "neither"), (tmp_path / "gone", "not there")]:
        with pytest.raises(UserError, match=reason) as error:
            open_files(str(root), "data.root")
        assert str(error.value).startswith(f"data.root={root}: ")
        assert "\n" not in str(error.value)


def test_a_zip_with_a_broken_table_of_contents(tmp_path, folder):
    path = zipped(folder, tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02")
    data[start : start + 4] = b"XXXX"
    path.write_bytes(data)
    with pytest.raises(UserError, match="the zip cannot be read"):
        open_files(str(path), "data.root")


def test_a_damaged_or_encrypted_entry_is_an_os_error(tmp_path, folder):
    path = zipped(folder, tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[100] ^= 1  # in the first entry
    path.write_bytes(data)
    files = open_files(str(path), "data.root")
    with pytest.raises(OSError, match="CRC"):
        files.read("cat/0.png")
    assert files.read("cat/1.png") == (folder / "cat/1.png").read_bytes()

    path = zipped(folder, tmp_path / "b.zip")
    data = bytearray(path.read_bytes())
    for mark, offset in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)]:
        data[data.index(mark) + offset] |= 1  # the flag for encryption
    path.write_bytes(data)
    with pytest.raises(OSError, match="encrypted"):
        open_files(str(path), "data.root").read("cat/0.png")


@pytest.mark.parametrize("method", ["STORED", "DEFLATED", "BZIP2", "LZMA"])
def test_an_entry_damaged_anywhere_is_an_os_error(tmp_path, method):
    """Each way of compressing has errors of its own."""
    content, path = bytes(range(256)) * 40, tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", getattr(zipfile, f"ZIP_{method}")) as file:
        file.writestr("1.png", content)
    whole = path.read_bytes()
    start, end = whole.index(b"1.png") + 5, whole.index(b"PK\x01\x02")
    for at in range(start, end, max(1, (end - start) // 60)):
        data = bytearray(whole)
        for i in range(at, min(at + 8, end)):
            data[i] ^= 0xFF
        path.write_bytes(data)
        with contextlib.suppress(OSError):  # where no byte of it counts, all is well
            assert open_files(str(path), "data.root").read("1.png") == content


@pytest.mark.parametrize("flip", [1, 0x80, 0xFF])
def test_a_zip_damaged_in_any_byte(tmp_path, flip):
    """It cannot be opened, its entry cannot be read, or no byte of it counts."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("é.png", b"x")  # a name that is marked as UTF-8
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
        with contextlib.suppress(UserError, OSError):
            files = open_files(str(path), "data.root")
            assert [files.read(name) for name in files.sizes] in ([b"x"], [])


def test_an_entry_without_a_name_is_passed_over(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("x", b"")
        file.writestr("a.png", b"x")
    data = (tmp_path / "a.zip").read_bytes().replace(b"x" + b"PK\3\4", b"\0PK\3\4", 1)
    directory = data.index(b"PK\1\2")
    assert data[directory + 46 : directory + 47] == b"x"
    (tmp_path / "a.zip").write_bytes(data[: directory + 46] + b"\0" + data[directory + 47 :])
    assert list(open_files(str(tmp_path / "a.zip"), "data.root").sizes) == ["a.png"]


def test_a_zip_is_opened_anew_in_another_process(tmp_path, folder):
    files = open_files(str(zipped(folder, tmp_path / "a.zip")), "data.root")
    copy = pickle.loads(pickle.dumps(files))  # what a spawned process gets
    assert copy.read("dog/4.png") == files.read("dog/4.png")
    shared = files._handle.fp
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        files.read("dog/4.png")
        os.write(writer, b"same" if files._handle.fp is shared else b"anew")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 4) == b"anew"
    os.close(reader), os.close(writer)
