"""Tar files of samples, as WebDataset has them: where each sample lies, and shards from elsewhere.

A shard is read once, from end to end, to know its samples; that list is kept among the user's
caches, and from then on any sample is one read at a known place. A shard that lies elsewhere is
fetched whole before it is read, and kept while there is room.
"""

import contextlib
import glob
import hashlib
import io
import logging
import os
import shutil
import tarfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock

from gan_cli.data.files import DAMAGE, stamp_of
from gan_cli.data.images import is_image
from gan_cli.errors import UserError
from gan_cli.files import replacing, write_whole
from gan_cli.paths import cache_folder

log = logging.getLogger(__name__)

NO_CLASS = -1
CLASS = "cls"
"""The extension of a file that holds a sample's class, as a number."""
BLOCK = 1 << 20


class Contents(NamedTuple):
    """The samples of a shard, in its order; int64 [N] each."""

    offsets: np.ndarray
    """Where each image begins."""
    sizes: np.ndarray
    """Bytes that it has."""
    labels: np.ndarray
    """Its class; NO_CLASS where none is said."""


def expand(root: str) -> list[str]:
    """The shards that a pattern means, sorted as they are written: `a-{000..099}.tar` and the like.

    Args:
        root: a folder of .tar, a path, a URL, or a command after `pipe:`; braces and `::` between
            several as WebDataset has them.

    Raises:
        UserError: webdataset is not installed, or there is nothing of that name.
    """
    folder = os.path.expanduser(root)
    if os.path.isdir(folder):
        found = sorted(glob.glob(os.path.join(glob.escape(folder), "**", "*.tar"), recursive=True))
        if not found:
            raise UserError(f"data.root={root}: no .tar in this folder; name one with shards")
        return found
    if find_spec("webdataset") is None or find_spec("braceexpand") is None:
        raise UserError(
            "data=webdataset: needs the package webdataset; pip install 'gan-cli[webdataset]'"
        )
    from webdataset.shardlists import expand_urls

    shards = [os.path.expanduser(shard) for shard in expand_urls(root)]
    for shard in shards:
        if not is_elsewhere(shard) and not os.path.isfile(shard):
            raise UserError(
                f"data.root={root}: {shard} is not there; give a folder of .tar, or shards such as "
                "'train-{000..099}.tar', paths or URLs"
            )
    return shards


def is_elsewhere(shard: str) -> bool:
    """Whether a shard is no file of this machine, but a URL or a command."""
    scheme = shard.partition(":")[0]
    return len(scheme) > 1 and scheme.isalnum() and not os.path.exists(shard)


def contents_of(path: str) -> Contents:
    """What a shard holds, from the cache where it has not changed since.

    Raises:
        UserError: it is no tar, or damaged.
    """
    kept = _folder() / f"{_digest(stamp_of(path) + os.path.abspath(path))}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, *DAMAGE), np.load(kept) as arrays:
        return Contents(*(arrays[name] for name in Contents._fields))
    try:
        found = _read_contents(path)
    except (tarfile.TarError, OSError, *DAMAGE) as error:
        raise UserError(f"{path}: no readable .tar ({error}); make or fetch it anew") from error
    file = io.BytesIO()
    np.savez(file, **found._asdict())
    with contextlib.suppress(OSError):  # without a cache it is read again next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, file.getvalue())
    return found


def _read_contents(path: str) -> Contents:
    images: dict[str, tuple[int, int]] = {}
    labels: dict[str, int] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            folder, _, name = member.name.rpartition("/")
            stem, dot, ending = name.partition(".")  # WebDataset's rule: all behind the first dot
            if not (member.isfile() and stem and dot):
                continue
            key = f"{folder}/{stem}"
            if ending == CLASS:
                file = tar.extractfile(member)
                assert file is not None
                labels[key] = _class_in(file.read(32), f"{path}: {member.name}")
            elif is_image(name):
                images.setdefault(key, (member.offset_data, member.size))
            tar.members = []  # type: ignore[attr-defined]  # or it would keep a million
    rows = [(*place, labels.get(key, NO_CLASS)) for key, place in images.items()]
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Contents(*table.T)


def _class_in(text: bytes, where: str) -> int:
    try:
        if (number := int(text)) >= 0:
            return number
    except ValueError:
        pass
    raise UserError(f"{where}: {text[:20]!r} is no class; it should be a whole number from 0 on")


def fetch(shard: str, room: float) -> str:
    """A local copy of a shard that lies elsewhere; processes that want the same wait for one.

    Args:
        shard: a URL, or a command after `pipe:` whose output it is.
        room: bytes that all copies may take; the longest unused go first.

    Raises:
        UserError: it cannot be fetched.
    """
    path = _folder() / f"{_digest(shard)}.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if path.is_file():
            os.utime(path)
            return str(path)
        from webdataset.gopen import gopen

        log.info("fetching %s", shard)
        try:
            with gopen(shard) as source, replacing(path) as target:
                shutil.copyfileobj(source, target, BLOCK)
            if not tarfile.is_tarfile(path):
                path.unlink()
                raise ValueError("what came is no .tar")
        except UserError:
            raise
        except Exception as error:  # a command may fail in any way
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise UserError(f"data.root: {shard} cannot be fetched ({reason:.200})") from error
    _make_room(path, room)
    return str(path)


def _make_room(newest: Path, room: float) -> None:
    copies = []
    for path in newest.parent.glob("*.tar"):
        with contextlib.suppress(OSError):  # another process has removed it
            about = path.stat()
            copies.append((path != newest, about.st_mtime, about.st_size, path))
    total = sum(size for _, _, size, _ in copies)
    for removable, _, size, path in sorted(copies, key=lambda copy: copy[:2]):
        if total <= room or not removable:
            continue
        path.unlink(missing_ok=True)  # who has it open keeps it
        total -= size


def read_at(path: str, offset: int, size: int) -> bytes:
    """Bytes of a shard.

    Raises:
        OSError: it ends before.
    """
    with open(path, "rb") as file:
        file.seek(offset)
        found = file.read(size)
    if len(found) != size:
        raise OSError("the shard is cut short")
    return found


def joined(contents: Sequence[Contents]) -> Contents:
    """The samples of several shards, one shard after the other."""
    return Contents(*(np.concatenate(columns) for columns in zip(*contents, strict=True)))


def _folder() -> Path:
    return cache_folder() / "shards"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
