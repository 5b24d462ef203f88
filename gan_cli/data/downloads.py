"""Leaving no traces where nothing could be downloaded, and finding what need not be."""

import contextlib
import os
from collections.abc import Iterator


def nearby(root: str) -> list[str]:
    """Folders that may have been meant by `root`: the two above it, and those in it."""
    above = os.path.dirname(os.path.abspath(root))
    below: list[str] = []
    with contextlib.suppress(OSError):
        below = sorted(entry.path for entry in os.scandir(root) if entry.is_dir())
    return [above, os.path.dirname(above), *below]


@contextlib.contextmanager
def removed_if_empty(folder: str) -> Iterator[None]:
    """Take away `folder`, and what leads there, where it is made meanwhile and stays empty."""
    absent = []
    path = os.path.abspath(folder)
    while not os.path.lexists(path):
        absent.append(path)
        path = os.path.dirname(path)
    try:
        yield
    finally:
        for path in absent:
            with contextlib.suppress(OSError):  # not made, or not empty
                os.rmdir(path)


def one_line(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
