"""A listing that was kept is found again, and says nothing but what a new one would say."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_cli.data import listings
from gan_cli.data.batches import StreamBatches, open_batches
from gan_cli.data.files import Directory, Files, open_files
from gan_cli.data.folder import Folder
from gan_cli.data.zips import Zip
from tests.data.image_files import write_image, zipped

OLD = 10**18  # nanoseconds: a change within one tick of the clock would leave the same time


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(listings, "WORTH", 1)
    monkeypatch.setattr(listings, "SETTLED", -1e6)
    return tmp_path / "cache" / "listings"


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whatever was listed rather than known."""
    kinds: list[str] = []
    for kind in (Directory, Zip):

        def make(
            self: Any, old: Callable[[Any], listings.Listing] = kind._list
        ) -> listings.Listing:
            kinds.append(type(self).__name__)
            return old(self)

        monkeypatch.setattr(kind, "_list", make)
    return kinds


@pytest.fixture(params=["folder", "zip"])
def root(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Path:
    for each in (folder, folder / "cat", folder / "dog"):
        os.utime(each, ns=(OLD, OLD))
    return folder if request.param == "folder" else zipped(folder, tmp_path / "a.zip")


def add(root: Path, folder: Path, name: str) -> None:
    write_image(folder / name, seed=9)
    if root != folder:
        zipped(folder, root)


def found(root: Path, cache: bool = True) -> Files:
    return open_files(str(root), "data.root", cache=cache)


def opened(root: Path, cache: bool) -> StreamBatches:
    dataset = Folder(str(root), image_size=8, cache=cache)
    dataset.prepare()
    batches = open_batches(
        dataset,
        batch_size=3,
        device=torch.device("cpu"),
        seed=0,
        memory_limit=1e-9,
        workers=0,
        flip=False,
    )
    assert isinstance(batches, StreamBatches)
    return batches


def test_a_known_listing_gives_the_same_data(root: Path, listed: list[str]) -> None:
    anew, first, second = opened(root, False), opened(root, True), opened(root, True)
    assert len(listed) == 2
    assert anew.fingerprint == first.fingerprint == second.fingerprint
    for _ in range(3):
        a, b, c = anew.next(), first.next(), second.next()
        for field in ("image", "label"):
            assert torch.equal(a[field], b[field])
            assert torch.equal(a[field], c[field])


def test_the_key_that_turns_it_off(root: Path, cache: Path) -> None:
    opened(root, False)
    assert not cache.exists()


def test_few_files_are_not_kept(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "WORTH", 6)
    found(root)
    assert not cache.exists()


def test_what_has_just_changed_is_not_kept(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "SETTLED", 1e6)
    found(folder)
    assert not cache.exists()


@pytest.mark.parametrize("name", ["cat/9.png", "bird/9.png", "9.png"])
def test_a_new_file_is_noticed(root: Path, folder: Path, listed: list[str], name: str) -> None:
    found(root)
    add(root, folder, name)
    assert name in found(root).sizes
    assert found(root).sizes == found(root, cache=False).sizes
    assert len(listed) == 3


def test_a_removed_and_a_renamed_file_are_noticed(folder: Path, listed: list[str]) -> None:
    os.utime(folder / "cat", ns=(OLD, OLD))
    found(folder)
    (folder / "cat/0.png").unlink()
    assert "cat/0.png" not in found(folder).sizes
    os.utime(folder / "dog", ns=(OLD, OLD))
    found(folder)
    (folder / "dog/3.png").rename(folder / "dog/5.png")
    assert list(found(folder).sizes) == ["cat/1.png", "cat/2.png", "dog/4.png", "dog/5.png"]
    assert len(listed) == 4


def test_a_removed_folder_is_noticed(folder: Path) -> None:
    found(folder)
    for path in sorted((folder / "dog").iterdir()):
        path.unlink()
    (folder / "dog").rmdir()
    assert all(name.startswith("cat/") for name in found(folder).sizes)


def test_files_written_over_in_place_are_noticed(folder: Path) -> None:
    found(folder)
    for name in ("cat/0.png", "cat/1.png", "dog/3.png"):
        (folder / name).write_bytes(b"another size")
    assert found(folder).sizes == found(folder, cache=False).sizes


def test_links_may_change_unseen_and_are_not_kept(folder: Path, cache: Path) -> None:
    (folder / "cat/link.png").symlink_to(folder / "dog/3.png")
    found(folder)
    assert not cache.exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "fewer"])
def test_a_damaged_one_is_made_anew(
    root: Path, cache: Path, listed: list[str], damage: str
) -> None:
    sizes = found(root).sizes
    (path,) = cache.iterdir()
    content = path.read_bytes()
    if damage == "fewer":
        arrays = dict(np.load(path)) | {"size": np.zeros(1, np.int64)}
        np.savez(path, **arrays)
    else:
        at = content.index(b"cat/0.png")
        path.write_bytes(
            {
                "cut": content[:-40],
                "flipped": content[:at] + b"b" + content[at + 1 :],
                "empty": b"",
                "text": b"no listing",
            }[damage]
        )
    assert found(root).sizes == sizes
    assert found(root).sizes == sizes
    assert len(listed) == 2


def test_another_users_is_not_believed(
    folder: Path, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found(folder)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    found(folder)
    assert len(listed) == 2


def test_a_cache_that_cannot_be_written(root: Path, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_bytes(b"in the way")
    assert len(found(root).sizes) == 5


def test_a_known_zip_is_read_as_any(folder: Path, tmp_path: Path) -> None:
    path = zipped(folder, tmp_path / "a.zip", zipfile.ZIP_DEFLATED)
    anew, known = found(path, cache=False), [found(path), found(path)][1]
    for files in (known, pickle.loads(pickle.dumps(known))):
        for name in anew.sizes:
            assert files.read(name) == anew.read(name) == (folder / name).read_bytes()
            assert files.stamp(name) == anew.stamp(name)
            with files.open(name) as file:
                assert file.read(4) == b"\x89PNG"
    with pytest.raises(KeyError):
        known.read("cat/9.png")


def test_names_that_are_not_utf_8(tmp_path: Path, listed: list[str]) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"\xff\n.png", "é.png".encode()):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(b"x")
    assert found(folder).sizes == found(folder).sizes == found(folder, cache=False).sizes
    assert len(listed) == 2
