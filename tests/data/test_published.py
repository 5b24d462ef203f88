"""Published data out of archives that this test writes and serves."""

import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gan_cli.data import archives
from gan_cli.data.archives import Archive
from gan_cli.data.published import Facades, Horse2Zebra
from gan_cli.errors import UserError
from tests.data.image_files import write_image

FEW = {"train": 2, "test": 1}


def write_tar(path: Path, extra: str | None = None, count: int = 2) -> bytes:
    """facades.tar.gz with so few pairs that a test can make them."""
    for folder, number in {**FEW, "train": count}.items():
        for n in range(number):
            write_image(path.parent / f"made/facades/{folder}/{n}.jpg", seed=n, size=(16, 32))
    with tarfile.open(path, "w:gz") as tar:
        tar.add(path.parent / "made" / "facades", "facades")
        if extra:
            info = tarfile.TarInfo(extra)
            info.size = 4
            tar.addfile(info, io.BytesIO(b"evil"))
    return path.read_bytes()


class Server:
    """Serves one file, once as much of it as `first` says and then all that is asked for.

    Attributes:
        asked: the ranges of all requests.
    """

    def __init__(self, content: bytes, first: int | None = None) -> None:
        self.content, self.first, self.asked = content, first, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                outer.asked.append(wanted)
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
                rest = outer.content[start:]
                self.send_response(206 if wanted else 200)
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                part, outer.first = rest[: outer.first], None
                self.wfile.write(part)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/facades.tar.gz"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The facades, served; the first answer breaks off in the middle."""
    content = write_tar(tmp_path / "facades.tar.gz")
    server = Server(content, first=len(content) // 2)
    monkeypatch.setattr(Facades, "archive", Archive(server.url, "facades"))
    monkeypatch.setattr(Facades, "counts", FEW)
    yield server
    server.close()


def test_a_download_goes_on_where_it_broke_off(served: Server) -> None:
    dataset = Facades("data", image_size=16, cache=False)
    with pytest.raises(UserError) as error:
        dataset.prepare()
    (line,) = error.value.problems
    assert line.startswith("data.root=data: facades cannot be had (the connection broke after")
    assert f"put {served.url}, as it is or unpacked, into data" in line
    part = Path("data/facades.tar.gz.part").stat().st_size

    dataset.prepare()
    assert served.asked == [None, f"bytes={part}-"]
    assert len(dataset) == 2
    assert sorted(p.name for p in Path("data").iterdir()) == ["facades"]
    assert dataset.load()["source"].shape == (2, 3, 16, 16)
    held_out = dataset.held_out()
    assert held_out is not None
    held_out.prepare()
    assert len(held_out) == 1
    assert len(served.asked) == 2  # what lies there is not fetched again


def test_an_archive_that_lies_there_is_unpacked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Facades, "counts", FEW)
    Path("data").mkdir()
    write_tar(Path("data/facades.tar.gz"))
    Facades("data", image_size=16, download=False).prepare()
    assert Path("data/facades.tar.gz").is_file()  # a person put it there


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil-superres", "facades/../../evil"])
def test_nothing_leaves_its_folder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Facades, "counts", FEW)
    Path("data").mkdir()
    write_tar(Path("data/facades.tar.gz"), extra=name)
    with pytest.raises(UserError, match="leads out of its folder"):
        Facades("data").prepare()
    assert not Path("data/facades").exists()
    assert not Path("evil").exists()


def test_zips_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Horse2Zebra, "counts", dict.fromkeys(Horse2Zebra.counts, 1))
    Path("data").mkdir()
    with zipfile.ZipFile("data/horse2zebra.zip", "w") as archive:
        for folder in Horse2Zebra.counts:
            write_image(Path(f"made/{folder}.jpg"), size=(16, 16))
            archive.write(f"made/{folder}.jpg", f"horse2zebra/{folder}/0.jpg")
    dataset = Horse2Zebra("data", image_size=16)
    dataset.prepare()
    assert dataset.sizes == {"a": 1, "b": 1}
    with zipfile.ZipFile("data/horse2zebra.zip", "a") as archive:
        archive.writestr("horse2zebra/../../evil", "evil")
    monkeypatch.setattr(Horse2Zebra, "counts", {"trainA": 2})
    with pytest.raises(UserError, match="leads out of its folder"):
        Horse2Zebra("data").prepare()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_bytes(b"no archive"), "cannot be had"),
        (lambda file: write_tar(file, count=1), "does not hold all of facades"),
    ],
)
def test_damaged_archives(spoil, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Facades, "counts", FEW)
    Path("data").mkdir()
    spoil(Path("data/facades.tar.gz"))
    with pytest.raises(UserError, match=said):
        Facades("data").prepare()
    assert not Path("data/facades").exists()


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    Path("data").mkdir()
    write_tar(Path("data/facades.tar.gz"))
    with pytest.raises(UserError, match="unpacked it has more than 100 bytes"):
        Facades("data").prepare()


def test_without_a_download_nothing_is_made() -> None:
    with pytest.raises(UserError, match=r"facades is not there .* data\.download=false"):
        Facades("data", download=False).prepare()
    assert not Path("data").exists()
