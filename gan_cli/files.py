"""Files that are whole or not there, whatever happens while they are written."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

UNFINISHED = ".????????.tmp"
"""What follows a file's name, as a glob, while it is being written."""


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path` that takes its place, in one rename, once it is whole and on disk.

    Raises:
        OSError: the disk is full or not writable; `path` is as it was.
    """
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)  # the rename itself is on disk once this is
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def append_whole(file: IO[bytes], content: bytes) -> None:
    """Append to an open file without a buffer, all of `content` or nothing.

    Raises:
        OSError: the disk is full or not writable; the file is as it was.
    """
    end = file.seek(0, os.SEEK_END)
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        file.truncate(end)
        raise


def remove_unfinished(*folders: Path) -> None:
    """Remove what a kill has left half written in folders that nobody else writes to."""
    for folder in folders:
        for orphan in folder.glob("*" + UNFINISHED):
            orphan.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of which a reader never sees half, and a full disk leaves none.

    Raises:
        OSError: the disk is full or not writable; `path` is as it was.
    """
    with replacing(path) as file:
        file.write(content)


def amend_json(path: Path, **changes: Any) -> None:
    """Set keys of a JSON object; a file that is not there or damaged begins anew.

    Raises:
        OSError: the disk is full or not writable; `path` is as it was.
    """
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        found = {}
    whole = {**(found if isinstance(found, dict) else {}), **changes}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(whole, indent=2) + "\n").encode())
