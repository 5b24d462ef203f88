"""Where image files lie: a directory tree, or a zip read in place. Neither is ever written to."""

import operator
import os
import zipfile
from typing import IO, Protocol

import numpy as np

from gan_cli.data.images import hidden
from gan_cli.data.listings import Listing, kept_listing, stamp_of
from gan_cli.data.zips import DAMAGE, Zip
from gan_cli.errors import UserError

MAX_BYTES = 512 * 2**20
"""A larger file is refused unread: no image needs it, a zip of zeros would fill the memory."""
LOOKED_AT = 256
"""Files of a folder, about, whose sizes are compared with those of a listing that was kept."""


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


def open_files(root: str, key: str, *, cache: bool = False) -> Files:
    """The files below `root`, a directory or a .zip; `key` is the config's name for it.

    With `cache` a long listing is kept for the next time; see `gan_cli.data.listings`.

    Raises:
        UserError: it is not there, no zip, broken, or unsafe.
    """
    path = os.path.expanduser(root)
    if os.path.isdir(path):
        return Directory(path, cache)
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
        return Zip(path, cache)
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

    def __init__(self, root: str, cache: bool = False) -> None:
        self._root = root
        listing = kept_listing(root, self._list, self._is_as_it_was) if cache else self._list()
        self.sizes = listing.sizes

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

    def _list(self) -> Listing:
        """A million files take seconds: each costs one stat."""
        found: dict[str, int] = {}
        folders, linked, seen = [], False, {os.path.realpath(self._root)}
        left = [("", self._root)]
        while left:
            prefix, folder = left.pop()
            folders.append(os.path.abspath(folder))
            try:
                with os.scandir(folder) as entries:
                    ordered = sorted(entries, key=operator.attrgetter("name"))
            except OSError as error:
                raise UserError(f"{folder}: cannot be listed ({error.strerror})") from error
            for entry in ordered:
                if hidden((entry.name,)):
                    continue
                linked = linked or entry.is_symlink()
                if entry.is_file():
                    found[prefix + entry.name] = entry.stat().st_size
                elif entry.is_dir() and (real := os.path.realpath(entry.path)) not in seen:
                    seen.add(real)
                    left.append((f"{prefix}{entry.name}/", entry.path))
        names = sorted(found)
        sizes = np.fromiter(map(found.__getitem__, names), np.int64, len(names))
        # where a link leads may change unseen
        return Listing(names, {"size": sizes}, () if linked else folders)

    def _is_as_it_was(self, listing: Listing) -> bool:
        """Whether files here and there have their sizes: all may have been written over in place,
        which no directory tells."""
        names, sizes = listing.names, listing.numbers["size"]
        rows = range(0, len(names), max(1, len(names) // LOOKED_AT))
        return all(os.path.getsize(self.locate(names[row])) == sizes[row] for row in rows)
