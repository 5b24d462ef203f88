"""Files that look like checkpoints and would run code, exhaust the memory or never end."""

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gan_cli.sinks.content import digest

PLAIN = {"format": 2, "config": {}, "state": {}}


def pack(path: Path, pickled: bytes, **more: bytes) -> None:
    """Write a zip as torch.save does around a pickle; `more` go to archive/data/NAME."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", "little")
        for name, data in more.items():
            archive.writestr(f"archive/data/{name.removeprefix('_')}", data)
        archive.writestr("archive/version", "3\n")


def save_raw(path: Path, content: Mapping[str, Any]) -> None:
    """Save a content unchecked, with its digest where it has one."""
    try:
        right = digest(content, most_bytes=1 << 20)
    except ValueError:
        right = "0" * 64
    with path.open("wb") as file:
        torch.save({"digest": right, **content}, file)


def nested(levels: int) -> Any:
    """A list with 2^levels items in it, of a few bytes a level."""
    bomb: Any = []
    for _ in range(levels):
        bomb = [bomb, bomb]
    return bomb


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    bomb: Any = []
    for _ in range(levels):
        bomb = [bomb]
    return bomb


def compressed(path: Path, size: int = 1 << 30) -> None:
    """A storage of `size` zeros in a thousandth of it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(PLAIN, 2))
        with archive.open("archive/data/0", "w") as file:
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))


def overlapping(path: Path) -> None:
    """A thousand entries that are all the same megabyte."""
    pack(path, pickle.dumps(PLAIN, 2), _1000=bytes(1 << 20))
    content = path.read_bytes()
    start = content.index(b"PK\1\2")
    (end,) = struct.unpack("<L", content[-6:-2])
    assert end == start
    directory = content[start:-22]
    at = directory.index(b"archive/data/1000") - 46
    entry = directory[at : directory.index(b"PK\1\2", at + 4)]
    copies = [entry.replace(b"1000", b"%d" % number) for number in range(1001, 2001)]
    directory += b"".join(copies)
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1004, 1004, len(directory), start, 0)
    path.write_bytes(content[:start] + directory + tail)


def many_entries(path: Path) -> None:
    """Entries without any bytes in them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(PLAIN, 2))
        for number in range(45_000):
            archive.writestr(f"archive/data/{number}", b"")
    path.write_bytes(file.getvalue())


def twice(path: Path) -> None:
    """Two entries of one name: which one is read?"""
    pack(path, pickle.dumps(PLAIN, 2))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/versiox", b"4")
    path.write_bytes(path.read_bytes().replace(b"archive/versiox", b"archive/version"))


def other_case(path: Path) -> None:
    """Two pickles, where a reader does not look at the case."""
    pack(path, pickle.dumps(PLAIN, 2))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/DATA.pkl", b"cos\nsystem\n.")


def two_ends(path: Path) -> None:
    """One zip behind another: some readers see the first, some the second."""
    pack(path, pickle.dumps(PLAIN, 2))
    first = path.read_bytes()
    path.write_bytes(first + first)


def legacy(path: Path) -> None:
    """As torch wrote it before version 1.6: nothing but pickles."""
    with path.open("wb") as file:
        torch.save(PLAIN, file, _use_new_zipfile_serialization=False)


def longer_tensor(path: Path) -> None:
    """Three numbers in the file, a billion in the shape, by a stride of 0."""
    save_raw(path, {**PLAIN, "state": {"game": torch.zeros(3)[:1].expand(1 << 30)}})


def longer_storage(path: Path) -> None:
    """Three numbers in the file, a billion in the pickle."""
    with path.open("wb") as file:
        torch.save({**PLAIN, "state": torch.zeros(3)}, file)
    with zipfile.ZipFile(path) as archive:
        pickled, data = archive.read("archive/data.pkl"), archive.read("archive/data/0")
    billion = b"J" + struct.pack("<i", 1 << 30)
    changed = pickled.replace(b"K\3", billion)
    assert len(changed) == len(pickled) + 6  # in the storage's length and in the shape
    pack(path, changed, _0=data)


def views(path: Path) -> None:
    """A thousand tensors of a few bytes less than the same 8 MB."""
    whole = torch.zeros(1 << 21)
    save_raw(path, {**PLAIN, "state": {"game": [whole[i:] for i in range(1000)]}})


FILES = {
    "compressed": (compressed, "its entries are compressed"),
    "overlapping": (overlapping, "larger than the file"),
    "many_entries": (many_entries, "lists more than"),
    "twice": (twice, "an entry twice"),
    "other_case": (other_case, "other entries"),
    "two_ends": (two_ends, "no clear end"),
    "legacy": (legacy, "not a checkpoint"),
    "longer_tensor": (longer_tensor, "without numbers of its own"),
    "longer_storage": (longer_storage, "damaged"),
    "views": (views, "larger than the file"),
}
"""What writes each, and what is said of it."""

PICKLES = {
    "code": (b"\x80\2cos\nsystem\nX\4\0\0\0true\x85R.", "could run code"),
    "bytearray": (b"\x80\2cbuiltins\nbytearray\n\x8a\5\0\0\0\0\2\x85R.", "could run code"),
    "dictionaries": (b"\x80\2" + b"}" * 8_500_000 + b".", "holds more than"),
    "marks": (b"\x80\2" + b"(" * 8_500_000 + b".", "holds more than"),
    "long pickle": (b"\x80\2" + b"N" * (33 << 20) + b".", "its pickle has more"),
    "hash": (b"\x80\2})q\0" + b"h\0\x86q\0" * 40 + b"K\1s.", "neither str nor int"),
    "calls": (b"\x80\2ccollections\nOrderedDict\n]\x85R.", "calls what no checkpoint"),
    "no stop": (b"\x80\2}", "breaks off"),
    "empty": (b"", "breaks off"),
    "stack": (b"\x80\2\x86.", "breaks off"),
    "memo": (b"\x80\2h\7.", "breaks off"),
    "newer protocol": (pickle.dumps(PLAIN, 5), "could run code"),
}
"""Pickles, and what is said of them."""

WEIGHT = torch.zeros(2)
CONTENTS: dict[str, tuple[dict[str, Any], str]] = {
    "list": ({"config": {"a": nested(40)}}, "more values than a checkpoint may"),
    "state": ({"state": {"game": nested(40)}}, "more values than a checkpoint may"),
    "text": ({"config": {"a": ["x" * 1_000_000] * 1000}}, "more values than a checkpoint may"),
    "large config": ({"config": {"a": [0] * 200_000}}, "more values than a checkpoint may"),
    "deep": ({"state": {"a": deep(100)}}, "nested more than"),
    "no digest": ({"digest": "", "state": {"a": nested(40)}}, "more values than a checkpoint"),
    "other digest": ({"digest": "0" * 64}, "damaged"),
    "digest": ({"digest": nested(40)}, "damaged"),
    "tensor for a digest": ({"digest": WEIGHT}, "damaged"),
    "gradient": ({"state": {"a": torch.ones(2, requires_grad=True)}}, "without numbers"),
    "no dictionary": ({"config": []}, "its config is a list"),
    "no state": ({"state": None}, "its state is a NoneType"),
    "weights": ({"state": WEIGHT}, "its state is a Tensor"),
    "keys": ({"config": {1: 2}}, "its config has keys"),
    "metrics": ({"metrics": {"a": "x"}}, "its metrics holds"),
    "truth": ({"metrics": {"a": True}}, "its metrics holds"),
    "overrides": ({"overrides": [1]}, "its overrides holds"),
    "links": ({"links": {"a": None}}, "its links holds"),
    "fingerprint": ({"fingerprint": None}, "its fingerprint is a NoneType"),
    "fields": ({"fields": "image"}, "its fields is a str"),
    "names": ({"class_names": {"cat": 0}}, "its class_names is a dict"),
    "tensor in config": ({"config": {"a": WEIGHT}}, "its tensors"),
    "format": ({"format": nested(40)}, "not a checkpoint"),
    "tensor for a format": ({"format": WEIGHT}, "not a checkpoint"),
    "tensor elsewhere": ({"other": WEIGHT}, "its tensors"),
}
"""Changes to a good content, and what is said of them."""
