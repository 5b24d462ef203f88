"""Pixels that were decoded once, kept so that the next start finds them.

A file holds one array: a header of `HEADER` bytes that says its shape and the digest of what
follows, then the bytes, which are mapped into memory, not read. Files are only ever written whole
and never changed, so any number of runs can share them, write them at once and remove them.
"""

import contextlib
import hashlib
import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_cli.data.memory import GIB
from gan_cli.files import UNFINISHED, replacing
from gan_cli.paths import cache_folder

log = logging.getLogger(__name__)

HEADER = 4096
LIMIT = 8 * GIB
"""Bytes that all of these files may take together; the longest unused go first."""
WORTH = 1.0
"""Seconds of decoding from which on its result is kept."""
ENDING = ".pixels"
ABANDONED = 86400.0
"""Seconds after which a file that nobody finished is taken to be nobody's."""


def kept(key: str, decode: Callable[[], Tensor]) -> Tensor:
    """What `decode` gives, or gave when it was last asked under the same key.

    A cache that cannot be read or written costs time and nothing else.

    Args:
        key: all that the result depends on.
        decode: gives uint8 [N, ...].
    """
    name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    path = cache_folder() / "decoded" / f"{name}{ENDING}"
    try:
        if (found := _read(path)) is not None:
            log.info("decoded before, in %s (data.cache=false decodes anew)", path)
            return found
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s: decoded anew (%s)", path, error)
        with contextlib.suppress(OSError):
            path.unlink()
    began = time.monotonic()
    pixels = decode()
    if time.monotonic() - began >= WORTH:
        try:
            _write(path, pixels)
        except OSError as error:
            log.info("not kept for the next time: %s", error)
    return pixels


def _read(path: Path) -> Tensor | None:
    """The array, on pages of the file that are copied when written to; None where there is none.

    Raises:
        ValueError, KeyError, TypeError: it is damaged.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        about = json.loads(file.read(HEADER))
    shape = tuple(map(int, about["shape"]))
    if path.stat().st_size != HEADER + math.prod(shape):  # a page that is not there would kill
        raise ValueError("it has another length than it says")
    pixels = np.memmap(path, np.uint8, "c", HEADER, shape)
    if _digest(pixels) != about["digest"]:
        raise ValueError("it is damaged")
    os.utime(path)
    return torch.from_numpy(pixels)


def _write(path: Path, pixels: Tensor) -> None:
    """Keep an array, where there is room for it; others make room.

    Raises:
        OSError: the disk is full or not writable; nothing is left behind.
    """
    needed = HEADER + pixels.nbytes
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # somebody's pictures
    if needed > LIMIT or needed > shutil.disk_usage(path.parent).free // 2:
        return
    make_room(path.parent, ENDING, LIMIT - needed)
    array = pixels.contiguous().numpy()
    about = json.dumps({"shape": array.shape, "digest": _digest(array)})
    with replacing(path) as file:
        file.write(about.encode().ljust(HEADER))
        file.write(memoryview(array).cast("B"))  # type: ignore[arg-type]


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(memoryview(array)).hexdigest()  # type: ignore[arg-type]


def make_room(folder: Path, ending: str, most: int) -> None:
    """Remove files of a cache, the longest unused first, until at most `most` bytes are left.

    Files of that `ending`, and what was left unfinished a day ago.
    """
    found = []
    for path in folder.glob(f"*{ending}*"):
        with contextlib.suppress(OSError):  # another run has removed it
            about = path.stat()
            if path.suffix == ending:
                found.append((about.st_mtime, about.st_size, path))
            elif path.match(f"*{UNFINISHED}") and about.st_mtime < time.time() - ABANDONED:
                path.unlink()
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            return
        path.unlink(missing_ok=True)  # who has it mapped keeps it
        total -= size
