"""Folders and zips of images that are odd in any way: read, or refused in a line."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gan_cli.data.folder import Folder
from gan_cli.errors import UserError
from tests.fuzz.changes import BEYOND, changed, damaged, values
from tests.fuzz.conftest import CALM, LONGEST_LINE, few, in_time

pytestmark = [CALM, pytest.mark.filterwarnings("ignore::UserWarning")]  # Pillow's, of damage

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]
MODES = ["L", "RGB", "RGBA", "P", "1", "LA", "CMYK", "I;16", "F"]


def image(format: str, mode: str) -> bytes:
    """Eight by eight pixels; RGB where the format has no such mode."""
    for possible in (mode, "RGB"):
        file = io.BytesIO()
        try:
            Image.linear_gradient("L").resize((8, 8)).convert(possible).save(file, format)
            return file.getvalue()
        except (OSError, ValueError):
            continue
    raise AssertionError(format)


def declared(width: int, height: int) -> bytes:
    """A PNG that says it is so large."""
    head = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head) - 4) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk


WHOLE = [image(format, mode) for format in FORMATS for mode in MODES]
contents = st.one_of(
    st.sampled_from(WHOLE),
    st.sampled_from(WHOLE).flatmap(damaged),
    st.sampled_from([b"", b"\0" * 99, b"<html>", b"%!PS-Adobe", declared(10**5, 10**5)]),
    st.sampled_from([declared(0, 0), declared(1, 2**31 - 1), b"P5 99999 99999 255\n", b"P6"]),
)
NAMES = [
    *("a.png", "b.jpg", "c.gif", "d.PNG", "x/e.png", "x/f.webp", "y/g.bmp", "y/deep/h.tif"),
    *(
        "x/.hidden.png",
        "__MACOSX/i.png",
        " .png",
        "é\u202e.png",
        "a\nb.png",
        "\udcff.png",
        "%s.ppm",
    ),
    *("not an image.txt", "x", "dataset.json/z.png", "y/=1+1.png", "-rf.png", "n" * 200 + ".png"),
]
OUTSIDE = [
    "../a.png",
    "/a.png",
    "C:\\a.png",
    "x/../../a.png",
    "\\\\a\\b.png",
    "./a.png",
    "",
    "x//y.png",
]
LABELS = {"labels": [["a.png", 0], ["b.jpg", 1], ["x/e.png", 1]], "classes": ["cat", "dog"]}
odd = st.one_of(values, st.sampled_from([*BEYOND, 10**6, ["a.png", 2], ["a.png", True]]))
label_files = st.none() | changed(LABELS, odd).map(json.dumps).flatmap(
    lambda text: st.sampled_from([text.encode()] * 3) | damaged(text.encode())
)
options = st.fixed_dictionaries(
    {"image_size": st.sampled_from([1, 8]), "channels": st.sampled_from([1, 3])},
    optional={
        "labels": st.booleans(),
        "n_classes": st.sampled_from([None, 0, 1, 2]),
        "limit": st.sampled_from([None, 1, 10**9]),
        "on_corrupt": st.sampled_from(["error", "skip"]),
    },
)


def read(root: Path, given: dict[str, Any]) -> None:
    """All that training does with it, or one line."""
    refused = None
    with in_time():
        try:
            dataset = Folder(str(root), **given)
            dataset.prepare()
            data = dataset.load()
            dataset.listing("")
        except UserError as error:
            refused = error
    if refused is not None:
        assert len(refused.problems) == 1
        assert "\n" not in str(refused)
        assert len(str(refused)) < LONGEST_LINE
        return
    size = given["image_size"]
    assert data["image"].shape == (len(dataset), given["channels"], size, size)
    if "label" in data:
        assert len(data["label"]) == len(dataset)
        assert int(data["label"].max()) < dataset.n_classes


@few(60)
@given(
    files=st.dictionaries(st.sampled_from(NAMES), contents, max_size=5),
    labels=label_files,
    given=options,
)
def test_no_folder_of_images_is_too_odd(
    files: dict[str, bytes],
    labels: bytes | None,
    given: dict[str, Any],
    room: Callable[[], Path],
) -> None:
    root = room() / "images"
    root.mkdir()
    for name, content in files.items():
        path = root / name
        if not path.exists() and all(not above.is_file() for above in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if labels is not None and not (root / "dataset.json").exists():
        (root / "dataset.json").write_bytes(labels)
    read(root, given)


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    """Entries of any name, perhaps twice, and the bytes of all that perhaps damaged."""
    file = io.BytesIO()
    names = st.sampled_from([n for n in NAMES if n.isprintable()] * 2 + OUTSIDE)
    with zipfile.ZipFile(file, "w", draw(st.sampled_from(METHODS))) as archive:
        for name in draw(st.lists(names, max_size=5, unique=True)):
            archive.writestr(zipfile.ZipInfo(name), draw(contents), archive.compression)
        if (labels := draw(label_files)) is not None:
            archive.writestr("dataset.json", labels)
    whole = file.getvalue()
    return draw(damaged(whole)) if draw(st.booleans()) else whole


@few(60)
@given(content=zips(), given=options)
def test_no_zip_of_images_is_too_odd(
    content: bytes, given: dict[str, Any], room: Callable[[], Path]
) -> None:
    root = room() / "images.zip"
    root.write_bytes(content)
    read(root, given)
