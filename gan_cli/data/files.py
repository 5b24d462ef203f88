"""Where image files lie: a directory tree, or a zip read in place. Neither is ever written to."""

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol

from gan_cli.data.images import hidden
from gan_cli.errors import UserError

MAX_BYTES = 512 * 2**20
"""A larger file is refused unread: no image needs it, a zip of zeros would fill the memory."""


DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, OverflowError),
    *(RuntimeError, ValueError),
)
"""What zipfile raises besides OSError: broken in one way or another; encrypted; of an unknown
method or version; a name marked as UTF-8 that is none."""


class Files(Protocol):
    """Named files below one root; names are relative, with `/` between their parts.

    Both kinds may be used from several threads and, pickled or forked, from several processes.
    """

    sizes: dict[str, int]
    """Bytes of each file, sorted by name; hidden files and `__MACOSX` are left out."""

    def read(self, name: str) -> bytes:
        """All bytes of a file.

        Raises:
            OSError: it cannot be read, or is damaged.
        """

    def open(self, name: str) -> IO[bytes]:
        """A file to read a part of.

        Raises:
            OSError: it cannot be read, or is damaged.
        """

    def stamp(self, name: str) -> str:
        """A text that is another one once the file has changed.

        Raises:
            OSError: the file has gone.
        """

    def locate(self, name: str) -> str:
        """Where a person finds the file."""


def open_files(root: str, key: str) -> Files:
    """The files below `root`, a directory or a .zip; `key` is the config's name for it.

    Raises:
        UserError: it is not there, no zip, broken, or unsafe.
    """
    path = os.path.expanduser(root)
    if os.path.isdir(path):
        return Directory(path)
    if not os.path.exists(path):
        raise UserError(
            f"{key}={root}: not there (looked for {os.path.abspath(path)}); "
            "give a folder of images or a .zip"
        )
    if not os.path.isfile(path) or not zipfile.is_zipfile(path):  # to open a pipe would block
        raise UserError(
            f"{key}={root}: neither a folder nor a readable .zip; "
            "if it was copied or downloaded, it may be incomplete"
        )
    try:
        return Zip(path)
    except (*DAMAGE, OSError) as error:
        raise UserError(f"{key}={root}: the zip cannot be read ({error}); make it anew") from error


class OneFile:
    """A single file, as if it were all of its folder."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.sizes = {os.path.basename(path): os.path.getsize(path)}

    def read(self, name: str) -> bytes:
        """All bytes of the file."""
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> IO[bytes]:
        """The file to read a part of."""
        return open(self._path, "rb")

    def stamp(self, name: str) -> str:
        """When it was written, to the nanosecond, and which file it is."""
        return stamp_of(self._path)

    def locate(self, name: str) -> str:
        """The file's path."""
        return self._path


class Directory:
    """A directory tree. Links to directories are followed, but no directory is listed twice."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.sizes = dict(sorted(_list_files(root)))

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> IO[bytes]:
        """A file to read a part of."""
        return open(self.locate(name), "rb")

    def stamp(self, name: str) -> str:
        """When it was written, to the nanosecond, and which file it is."""
        return stamp_of(self.locate(name))

    def locate(self, name: str) -> str:
        """The file's path."""
        return os.path.join(self._root, *name.split("/"))


def stamp_of(path: str) -> str:
    """Size, both times of writing and number of a file: no tool leaves all of them as they are."""
    about = os.stat(path)
    numbers = about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_dev, about.st_ino
    return ",".join(map(str, numbers))


def _list_files(root: str) -> Iterator[tuple[str, int]]:
    """Relative name and size of each file. A million take seconds: each costs one stat."""
    seen = {os.path.realpath(root)}
    left = [("", root)]
    while left:
        prefix, folder = left.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise UserError(f"{folder}: cannot be listed ({error.strerror})") from error
        for entry in entries:
            if hidden([entry.name]):
                continue
            if entry.is_file():
                yield prefix + entry.name, entry.stat().st_size
            elif entry.is_dir() and (real := os.path.realpath(entry.path)) not in seen:
                seen.add(real)
                left.append((f"{prefix}{entry.name}/", entry.path))


class Zip:
    """A zip, stored or compressed, read in place.

    Raises:
        UserError: a name in it leads out of it. Nothing is ever unpacked, so it could do no harm
            here, but who wrote it meant harm.
        zipfile.BadZipFile: it is broken.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._handle: zipfile.ZipFile | None = zipfile.ZipFile(path)
        self._owner = os.getpid()
        self._crc: dict[str, int] = {}
        found: dict[str, int] = {}
        for entry in self._handle.infolist():
            parts = entry.filename.replace("\\", "/").split("/")
            if ".." in parts or (not parts[0] and len(parts) > 1) or parts[0].endswith(":"):
                raise UserError(
                    f"{path}: refused, its entry {entry.filename!r} points outside the zip; "
                    "make the zip anew with plain relative names"
                )
            if any(parts) and not entry.is_dir() and not hidden(parts):
                found[entry.filename] = entry.file_size
                self._crc[entry.filename] = entry.CRC
        self.sizes = dict(sorted(found.items()))

    def read(self, name: str) -> bytes:
        """All bytes of an entry, its CRC checked."""
        try:
            return self._own_handle().read(name)
        except DAMAGE as error:
            raise OSError(str(error)) from error

    def open(self, name: str) -> IO[bytes]:
        """An entry to read a part of."""
        try:
            return self._own_handle().open(name)
        except DAMAGE as error:
            raise OSError(str(error)) from error

    def _own_handle(self) -> zipfile.ZipFile:
        if self._handle is None:  # unpickled
            self._handle, self._owner = zipfile.ZipFile(self._path), os.getpid()
        elif self._owner != os.getpid():  # a forked process shares the file's offset: open our own
            # and do not read the names of a million entries again
            self._handle.fp = open(self._path, "rb")  # noqa: SIM115
            self._owner = os.getpid()
        return self._handle

    def stamp(self, name: str) -> str:
        """The checksum of its content: a copy of the zip is the same data."""
        return f"{self._crc[name]:08x}"

    def locate(self, name: str) -> str:
        """The zip's path, a colon, the entry's name."""
        return f"{self._path}:{name}"

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_handle": None, "_owner": None}
