"""What lies in a folder or zip of many files, kept so that the next start need not look again.

A kept listing holds while the stamps of some paths are what they were: the zip's own, or those of
all directories of a folder, which change whenever a name comes, goes or becomes another one.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gan_cli.data.decoded import make_room
from gan_cli.data.memory import GIB
from gan_cli.files import replacing
from gan_cli.paths import cache_folder

log = logging.getLogger(__name__)

WORTH = 50_000
"""Files from which on their listing is kept: fewer are listed in less than a second."""
LIMIT = GIB
"""Bytes that all listings may take together; the longest unused go first."""
SETTLED = 2.0
"""Seconds for which nothing may have changed: file systems count time in steps, up to this large,
and a second change within one leaves no trace."""
ENDING = ".npz"


@dataclass(frozen=True)
class Listing:
    """Files below a root.

    Attributes:
        names: relative, with `/` between their parts, sorted.
        numbers: what else is known of each, integers [N] by name; `size`, in bytes, is one.
        paths: the listing holds while their stamps do. None: nothing proves that it holds.
    """

    names: list[str]
    numbers: Mapping[str, np.ndarray]
    paths: Sequence[str] = ()

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of each file."""
        return dict(zip(self.names, self.numbers["size"].tolist(), strict=True))


def stamp_of(path: str) -> str:
    """Size, both times of writing and number of a file: no tool leaves all of them as they are."""
    about = os.stat(path)
    numbers = about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_dev, about.st_ino
    return ",".join(map(str, numbers))


def kept_listing(
    root: str, make: Callable[[], Listing], holds: Callable[[Listing], bool] = lambda _: True
) -> Listing:
    """What `make` gives, or gave when it was last asked for this root, if that still holds.

    A cache that cannot be read or written costs time and nothing else.

    Args:
        root: a path.
        make: lists what is there.
        holds: whether a listing whose stamps hold is to be believed.
    """
    digest = hashlib.sha256(os.fsencode(os.path.abspath(root))).hexdigest()[:32]
    path = cache_folder() / "listings" / f"{digest}{ENDING}"
    try:
        if (found := _read(path)) is not None and holds(found):
            log.info("listed before, in %s (data.cache=false lists anew)", path)
            return found
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s: listed anew (%s)", path, error)
    began = time.time()
    made = make()
    if len(made.names) >= WORTH and made.paths:
        try:
            _write(path, made, began - SETTLED)
        except OSError as error:
            log.info("not kept for the next time: %s", error)
    return made


def _read(path: Path) -> Listing | None:
    """What was kept, None where there is none that is of use.

    Raises:
        OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile: it is damaged.
    """
    if not path.is_file() or not _is_ours(path):
        return None
    # sums are checked, nothing is unpickled; what numpy opens itself stays open where it is damaged
    with path.open("rb") as file, np.load(file) as arrays:
        paths, stamps = _split(arrays["paths"]), _split(arrays["stamps"])
        with contextlib.suppress(OSError):  # one has gone
            if [stamp_of(each) for each in paths] == stamps:
                others = {"names", "paths", "stamps"}
                numbers = {name: arrays[name] for name in arrays.files if name not in others}
                names = _split(arrays["names"])
                if {len(names)} != set(map(len, numbers.values())) or "size" not in numbers:
                    raise ValueError("it is damaged")
                os.utime(path)
                return Listing(names, numbers, paths)
    return None


def _is_ours(path: Path) -> bool:
    """Whether no other user has written it."""
    owner = path.stat().st_uid
    return not hasattr(os, "getuid") or owner == os.getuid()


def _write(path: Path, listing: Listing, settled: float) -> None:
    """Keep a listing, unless what it lists has changed since `settled`, or the disk is full.

    Raises:
        OSError: the disk is not writable; nothing is left behind.
    """
    about = [os.stat(each) for each in listing.paths]
    if max(max(each.st_mtime, each.st_ctime) for each in about) > settled:
        return
    arrays = {
        "names": _joined(listing.names),
        "paths": _joined(listing.paths),
        "stamps": _joined([stamp_of(each) for each in listing.paths]),
        **listing.numbers,
    }
    needed = sum(array.nbytes for array in arrays.values())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # names tell of the pictures
    if needed > LIMIT or needed > shutil.disk_usage(path.parent).free // 2:
        return
    make_room(path.parent, ENDING, LIMIT - needed)
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _joined(texts: Sequence[str]) -> np.ndarray:
    # no name has a zero in it; one of a folder may have bytes that are no UTF-8
    return np.frombuffer("\0".join(texts).encode("utf-8", "surrogateescape"), np.uint8)


def _split(array: np.ndarray) -> list[str]:
    return array.tobytes().decode("utf-8", "surrogateescape").split("\0")
