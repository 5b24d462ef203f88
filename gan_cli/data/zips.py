"""A zip whose entries are read in place, however many they are."""

import bisect
import io
import lzma
import operator
import os
import struct
import weakref
import zipfile
import zlib
from typing import IO

import numpy as np

from gan_cli.data.images import hidden
from gan_cli.data.listings import Listing, kept_listing
from gan_cli.errors import UserError

DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, OverflowError),
    *(RuntimeError, ValueError),
)
"""What zipfile raises besides OSError: broken in one way or another; encrypted; of an unknown
method or version; a name marked as UTF-8 that is none."""

_OF_ENTRIES = {
    "size": ("file_size", np.int64),
    "packed": ("compress_size", np.int64),
    "offset": ("header_offset", np.int64),
    "crc": ("CRC", np.uint32),
    "method": ("compress_type", np.uint16),
    "flags": ("flag_bits", np.uint16),
}
"""What must be known to read an entry: as what `zipfile` calls it, and as what it is kept."""

_EMPTY = b"PK\5\6" + bytes(18)
"""A zip of nothing."""


class Zip:
    """A zip, stored or compressed, read in place.

    Raises:
        UserError: a name in it leads out of it. Nothing is ever unpacked, so it could do no harm
            here, but who wrote it meant harm.
        zipfile.BadZipFile: it is broken.
    """

    def __init__(self, path: str, cache: bool = False) -> None:
        self._path = path
        self._originals: dict[str, str] = {}
        listing = kept_listing(path, self._list) if cache else self._list()
        self._names, self._numbers = listing.names, listing.numbers
        self.sizes = listing.sizes
        self._opened: tuple[int, zipfile.ZipFile] | None = None

    def _list(self) -> Listing:
        found: dict[str, zipfile.ZipInfo] = {}
        with zipfile.ZipFile(self._path) as file:
            for entry in file.infolist():
                parts = entry.filename.replace("\\", "/").split("/")
                if ".." in parts or (not parts[0] and len(parts) > 1) or parts[0].endswith(":"):
                    raise UserError(
                        f"{self._path}: refused, its entry {entry.filename!r} points outside the "
                        "zip; make the zip anew with plain relative names"
                    )
                if any(parts) and not entry.is_dir() and not hidden(parts):
                    found[entry.filename] = entry
        names = sorted(found)
        entries = [found[name] for name in names]
        self._originals = {
            entry.filename: entry.orig_filename
            for entry in entries
            if entry.orig_filename != entry.filename
        }
        numbers = {
            name: np.fromiter(map(operator.attrgetter(attribute), entries), kind, len(entries))
            for name, (attribute, kind) in _OF_ENTRIES.items()
        }
        return Listing(names, numbers, () if self._originals else [os.path.abspath(self._path)])

    def read(self, name: str) -> bytes:
        """All bytes of an entry, its CRC checked."""
        try:
            with self.open(name) as file:
                return file.read()
        except DAMAGE as error:
            raise OSError(str(error)) from error

    def open(self, name: str) -> IO[bytes]:
        """An entry to read a part of."""
        try:
            return self._own_handle().open(self._entry(name))
        except DAMAGE as error:
            raise OSError(str(error)) from error

    def _entry(self, name: str) -> zipfile.ZipInfo:
        """Made when it is wanted: a million take most of a gigabyte."""
        row = self._row(name)
        entry = zipfile.ZipInfo(self._originals.get(name, name))
        for number, (attribute, _) in _OF_ENTRIES.items():
            setattr(entry, attribute, int(self._numbers[number][row]))
        if entry.flag_bits & 1:
            raise OSError("the entry is encrypted")
        return entry

    def _row(self, name: str) -> int:
        row = bisect.bisect_left(self._names, name)
        if self._names[row : row + 1] != [name]:
            raise KeyError(name)
        return row

    def _own_handle(self) -> zipfile.ZipFile:
        """This process's: a forked one would share the file's offset, an unpickled one has none.

        It is opened on an empty zip, or it would read the names of a million entries again.
        """
        if self._opened is None or self._opened[0] != os.getpid():
            handle, file = zipfile.ZipFile(io.BytesIO(_EMPTY)), open(self._path, "rb")  # noqa: SIM115
            handle.fp = file
            weakref.finalize(handle, file.close)
            self._opened = os.getpid(), handle
        return self._opened[1]

    def stamp(self, name: str) -> str:
        """The checksum of its content: a copy of the zip is the same data."""
        return f"{self._numbers['crc'][self._row(name)]:08x}"

    def locate(self, name: str) -> str:
        """The zip's path, a colon, the entry's name."""
        return f"{self._path}:{name}"

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_opened": None}
