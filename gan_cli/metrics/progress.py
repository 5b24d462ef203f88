"""How far something is that takes minutes: a bar on a terminal, log lines elsewhere."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator

from tqdm import tqdm

log = logging.getLogger(__name__)

EVERY = 20.0
"""Seconds between two log lines, where there is no terminal."""


@contextlib.contextmanager
def track(total: int, what: str, unit: str) -> Iterator[Callable[[int], None]]:
    """Show how far `what` is, where it takes more than seconds.

    Yields:
        what is to be called with how many more of `total` are done.
    """
    last, done = time.monotonic(), 0
    with tqdm(total=total, desc=what, unit=unit, leave=False, disable=None, delay=2) as bar:

        def advance(count: int) -> None:
            nonlocal last, done
            done += count
            bar.update(count)
            if bar.disable and time.monotonic() - last >= EVERY:
                log.info("%s: %d of %d", what, done, total)
                last = time.monotonic()

        yield advance
