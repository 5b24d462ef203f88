"""Several ranks in copies of this process, which has imported everything already."""

import os
import pickle
import signal
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from torch import distributed

from gan_cli.engine.joined import Joined

T = TypeVar("T")
PATIENCE = 240
"""Seconds after which ranks that wait for each other are killed."""


def on_ranks(work: Callable[[Joined], T], size: int = 2) -> list[T]:
    """What `work` returns on each rank; what it raises is raised here."""
    with tempfile.TemporaryDirectory() as folder:
        pipes = [_started(work, rank, size, Path(folder) / "store") for rank in range(size)]
        answers = []
        for child, read in pipes:
            with os.fdopen(read, "rb") as pipe:
                answers.append(pipe.read())
            os.waitpid(child, 0)
    found = [pickle.loads(answer) if answer else EOFError("killed") for answer in answers]
    for answer in found:
        if isinstance(answer, BaseException):
            raise answer
    return found


def _started(work: Callable[[Joined], T], rank: int, size: int, store: Path) -> tuple[int, int]:
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(PATIENCE)
    try:
        distributed.init_process_group(
            "gloo", store=distributed.FileStore(str(store), size), rank=rank, world_size=size
        )
        answer: object = work(Joined(rank, size, rank, size))
    except BaseException as error:
        traceback.print_exc()
        answer = AssertionError(f"rank {rank}: {type(error).__name__}: {error}")
    with os.fdopen(write, "wb") as pipe:
        pipe.write(pickle.dumps(answer))
    os._exit(0)
