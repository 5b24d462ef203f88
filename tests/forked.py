"""Work in a copy of this process: limits, kills and signals that the tests themselves survive."""

import contextlib
import gc
import os
import pickle
import resource
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def forked(work: Callable[[], T]) -> T:
    """What `work` returns in a child; an EOFError where it did not get to its end."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with contextlib.suppress(BaseException):
            answer = pickle.dumps(work())
            with os.fdopen(write, "wb") as pipe:
                pipe.write(answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(answer)


def leave_memory(mebibytes: int) -> None:
    """Let this process have so much more memory than it needs now, and not a byte beyond."""
    gc.collect()  # what other tests left would make room later
    with open("/proc/self/statm", encoding="ascii") as statm:
        held = int(statm.read().split()[0]) * resource.getpagesize()
    most = held + mebibytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
