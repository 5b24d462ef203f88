"""What was decoded is found again, and nothing but what would be decoded now."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gan_cli.data import decoded
from gan_cli.data.folder import Folder
from gan_cli.data.image_files import ImageFiles
from gan_cli.data.pairs import Pairs
from gan_cli.data.unpaired import Unpaired
from tests.data.image_files import write_image, zipped


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(decoded, "WORTH", 0.0)
    return tmp_path / "cache" / "decoded"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which files were decoded."""
    names: list[str] = []
    read = ImageFiles.read
    monkeypatch.setattr(ImageFiles, "read", lambda self, n: names.append(n) or read(self, n))
    return names


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(5):
        write_image(tmp_path / "images" / f"{number}.png", seed=number)
    return tmp_path / "images"


def load(root: Path, **options: object) -> Tensor:
    dataset = Folder(str(root), **{"image_size": 8} | options)  # type: ignore[arg-type]
    dataset.prepare()
    return dataset.load()["image"]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_second_start_decodes_nothing(
    images: Path, tmp_path: Path, reads: list[str], kind: str
) -> None:
    root = images if kind == "folder" else zipped(images, tmp_path / "images.zip")
    first = load(root)
    assert len(reads) == 5
    second = load(root)
    assert len(reads) == 5
    assert torch.equal(first, second)
    assert second.dtype == torch.uint8


def test_the_key_that_turns_it_off(images: Path, reads: list[str], cache: Path) -> None:
    for _ in range(2):
        load(images, cache=False)
    assert len(reads) == 10
    assert not cache.exists()


def test_what_is_decoded_in_a_moment_is_not_kept(
    images: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoded, "WORTH", 1e9)
    load(images)
    assert not cache.exists()


@pytest.mark.parametrize(
    "options", [{"image_size": 4}, {"channels": 1}, {"limit": 3}], ids=["size", "channels", "limit"]
)
def test_another_way_of_decoding_is_another_entry(images: Path, options: dict[str, object]) -> None:
    load(images)
    assert torch.equal(load(images, **options), load(images, cache=False, **options))


def test_a_file_that_changed_or_came(images: Path) -> None:
    before = load(images)
    path = images / "2.png"
    about = path.stat()
    content = path.read_bytes()
    write_image(path, seed=77)
    path.write_bytes(path.read_bytes()[: len(content)].ljust(len(content), b"\0"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))  # as some tools leave it
    changed = load(images)
    assert torch.equal(changed, load(images, cache=False))
    assert not torch.equal(changed[2], before[2])
    write_image(images / "9.png", seed=9)
    assert len(load(images)) == 6
    (images / "9.png").rename(images / "8.png")
    assert torch.equal(load(images), load(images, cache=False))


def test_a_zip_made_anew(images: Path, tmp_path: Path, reads: list[str]) -> None:
    root = zipped(images, tmp_path / "images.zip")
    before = load(root)
    copy = Path(shutil.copy(root, tmp_path / "copy.zip"))
    assert torch.equal(load(copy), before)
    assert len(reads) == 5  # the same content
    write_image(images / "0.png", seed=77)
    assert not torch.equal(load(zipped(images, root)), before)


def flip(content: bytearray) -> None:
    content[-1] ^= 1


def shorten(content: bytearray) -> None:
    del content[-1:]


def forget_header(content: bytearray) -> None:
    content[: decoded.HEADER] = b"\xff" * decoded.HEADER


def say_nonsense(content: bytearray) -> None:
    content[: decoded.HEADER] = b"[1]".ljust(decoded.HEADER)


def empty(content: bytearray) -> None:
    content.clear()


@pytest.mark.parametrize("damage", [flip, shorten, forget_header, say_nonsense, empty])
def test_damage(
    images: Path,
    cache: Path,
    reads: list[str],
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[bytearray], None],
) -> None:
    before = load(images)
    (path,) = cache.iterdir()
    content = bytearray(path.read_bytes())
    damage(content)
    path.write_bytes(content)
    assert torch.equal(load(images), before)
    assert "decoded anew" in caplog.text
    assert len(reads) == 10
    assert torch.equal(load(images), before)  # and kept anew
    assert len(reads) == 10


def test_a_cache_that_cannot_be_written(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "file"))
    assert len(load(images)) == 5


def test_it_is_bounded_and_the_longest_unused_goes_first(
    images: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = decoded.HEADER + 5 * 3 * 8 * 8
    monkeypatch.setattr(decoded, "LIMIT", 3 * one)
    made = []
    for number in range(3):
        decoded.kept(f"key {number}", lambda: load(images, cache=False))
        (new,) = set(cache.iterdir()) - set(made)
        made.append(new)
        os.utime(new, (number, number))
    decoded.kept("key 0", lambda: pytest.fail("it is there"))  # used now
    abandoned = cache / f"x{decoded.ENDING}.12345678.tmp"
    abandoned.write_bytes(b"half")
    os.utime(abandoned, (0, 0))
    decoded.kept("key 3", lambda: load(images, cache=False))
    assert made[0].exists()
    assert not made[1].exists()
    assert not abandoned.exists()
    assert sum(path.stat().st_size for path in cache.iterdir()) <= 3 * one
    monkeypatch.setattr(decoded, "LIMIT", one - 1)
    decoded.kept("key 4", lambda: load(images, cache=False))
    assert made[0].exists()  # what is too large takes nobody's place


def test_many_may_write_at_once(cache: Path) -> None:
    pixels = torch.randint(0, 256, (64, 3, 8, 8), dtype=torch.uint8)
    found: list[Tensor] = []
    threads = [
        threading.Thread(target=lambda: found.append(decoded.kept("one key", pixels.clone)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(torch.equal(one, pixels) for one in found)
    assert len(list(cache.iterdir())) == 1


def test_whoever_changes_what_was_found_changes_no_file(images: Path) -> None:
    before = load(images).clone()
    load(images).zero_()
    assert torch.equal(load(images), before)


def test_pairs_and_sides(tmp_path: Path, reads: list[str]) -> None:
    for number in range(4):
        write_image(tmp_path / "data" / "trainA" / f"{number}.png", seed=number)
        write_image(tmp_path / "data" / "trainB" / f"{number}.png", seed=9 + number)
    root = str(tmp_path / "data")

    def fields(dataset: Pairs | Unpaired) -> dict[str, Tensor]:
        dataset.prepare()
        return dataset.load()

    for make in (
        lambda cache: Pairs(root, 8, cache=cache),
        lambda cache: Pairs(root, 8, direction="ba", cache=cache),
        lambda cache: Unpaired(root, 8, cache=cache),
    ):
        anew, kept = fields(make(False)), fields(make(True))
        count = len(reads)
        again = fields(make(True))
        assert len(reads) == count
        for name, values in anew.items():
            assert torch.equal(values, kept[name])
            assert torch.equal(values, again[name])
