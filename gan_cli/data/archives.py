"""Archives of published data: fetched once, checked, and unpacked into their own folder alone."""

import contextlib
import os
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from http.client import HTTPException
from typing import NamedTuple

from filelock import FileLock
from tqdm import tqdm

from gan_cli.data.downloads import one_line, removed_if_empty
from gan_cli.data.memory import GIB
from gan_cli.errors import UserError

PIECE = 1 << 20
PATIENCE = 30.0
"""Seconds without a byte after which a download is given up."""
MOST_BYTES = 4 * GIB
"""Of an archive, and of what it becomes unpacked."""
_FAILURES = (OSError, HTTPException, ValueError, EOFError, tarfile.TarError, zipfile.BadZipFile)


class Archive(NamedTuple):
    """Where published data comes from.

    Attributes:
        url: of a .tar.gz or a .zip that holds one folder `name`.
        name: of that folder.
    """

    url: str
    name: str

    @property
    def file(self) -> str:
        """What the archive is called."""
        return self.url.rpartition("/")[2]


def provide(
    archive: Archive, root: str, complete: Callable[[str], bool], download: bool, key: str
) -> str:
    """The unpacked folder of an archive below `root`; fetched and unpacked where it is not there.

    A download that was cut off goes on where it stopped. An archive that lies in `root` already is
    unpacked without one. One process does it, others wait.

    Args:
        archive: which.
        root: folder to look in, and to unpack into.
        complete: whether a folder holds what it should.
        download: fetch what is missing.
        key: the config's name of `root`.

    Raises:
        UserError: it is not there and cannot be had; says what to put where.
    """
    folder, file = (os.path.join(root, name) for name in (archive.name, archive.file))
    if complete(folder):
        return folder
    by_hand = f"or put {archive.url}, as it is or unpacked, into {root}"
    if not download and not os.path.isfile(file):
        raise UserError(
            f"{key}={root}: {archive.name} is not there or not whole, and data.download=false; set "
            f"data.download=true, {by_hand}"
        )
    try:
        with removed_if_empty(root):
            os.makedirs(root, exist_ok=True)
            lock = os.path.join(root, f".{archive.name}.lock")
            with FileLock(lock):
                try:
                    if not complete(folder):  # another process may have been faster
                        _place(archive, file, folder, complete)
                finally:
                    with contextlib.suppress(OSError):  # whoever waits for it makes a new one
                        os.remove(lock)
    except _FAILURES as error:
        raise UserError(
            f"{key}={root}: {archive.name} cannot be had ({one_line(error)}); try again, {by_hand}"
        ) from error
    return folder


def _place(archive: Archive, file: str, folder: str, complete: Callable[[str], bool]) -> None:
    """Unpack what lies there, else what is downloaded, which then has had its day."""
    given = os.path.isfile(file)
    if not given:
        fetch(archive.url, file)
    try:
        unpack(file, folder, complete)
    finally:
        if not given:
            os.remove(file)


def fetch(url: str, file: str) -> None:
    """Download into `file`, by way of `file.part`, which a later call goes on with.

    Raises:
        OSError, HTTPException: it cannot be reached, is too large, or came in another length.
    """
    part = f"{file}.part"
    have = os.path.getsize(part) if os.path.isfile(part) else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # there is nothing beyond what we have
            raise
        os.remove(part)
        fetch(url, file)
        return
    with answer:
        resumed = answer.status == 206
        have = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        if total is not None and total > MOST_BYTES:
            raise OSError(f"{total} bytes, at most {MOST_BYTES} are taken")
        title = os.path.basename(file)
        with (
            open(part, "ab" if resumed else "wb") as opened,
            tqdm(
                total=total, initial=have, desc=title, unit="B", unit_scale=True, disable=None
            ) as bar,
        ):
            while piece := answer.read(PIECE):
                opened.write(piece)
                bar.update(len(piece))
                if opened.tell() > MOST_BYTES:
                    raise OSError(f"more than {MOST_BYTES} bytes")
            written = opened.tell()
    if total is not None and written != total:
        raise OSError(f"the connection broke after {written} of {total} bytes")
    os.replace(part, file)


def unpack(file: str, folder: str, complete: Callable[[str], bool]) -> None:
    """Unpack the folder of an archive that is called as `folder` is: all of it or nothing.

    Raises:
        OSError, ValueError, TarError, BadZipFile: it is damaged, not whole, or a name in it leads
            out of the folder.
    """
    parent, name = os.path.split(folder)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{name}.") as apart:
        _refuse_unsafe(file)
        shutil.unpack_archive(file, apart, filter="data" if _is_tar(file) else None)
        found = os.path.join(apart, name)
        if not complete(found):
            raise OSError(f"{file} does not hold all of {name}")
        if os.path.isdir(folder):  # what is left of an earlier attempt
            shutil.rmtree(folder)
        os.replace(found, folder)


def _is_tar(file: str) -> bool:
    return not zipfile.is_zipfile(file)


def _refuse_unsafe(file: str) -> None:
    """Raise ValueError where a name leads out of its folder, or all becomes too large.

    What tarfile's own filter refuses besides (links, devices), it refuses when it unpacks.
    """
    if _is_tar(file):
        with tarfile.open(file) as tar:
            members = [(member.name, member.size) for member in tar]
    else:
        with zipfile.ZipFile(file) as packed:
            members = [(info.filename, info.file_size) for info in packed.infolist()]
    for name, _ in members:
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            raise ValueError(f"{name!r:.100} in it leads out of its folder")
    if sum(size for _, size in members) > MOST_BYTES:
        raise ValueError(f"unpacked it has more than {MOST_BYTES} bytes")
