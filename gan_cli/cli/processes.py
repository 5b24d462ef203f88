"""Calls run each in a fresh process, several at once, sharing one machine's GPUs or cores."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Protocol, cast

from gan_cli.cli.process import Stopped, attend, listening

OUTPUT = "output.txt"
"""What a process prints lands in its call's folder: several at once would talk over each other."""
WITHOUT_GPU = 2
THREADS = "OMP_NUM_THREADS"
GPUS = "CUDA_VISIBLE_DEVICES"
PROGRAM = "import sys; sys.path[:] = {}; from gan_cli.cli.processes import main; main()"
POLL = 0.1
"""Seconds between two looks at who has ended."""


class Call(Protocol):
    """What is to be done in a process of its own; it is pickled on its way there."""

    @property
    def folder(self) -> Path:
        """Where what it prints goes."""

    def __call__(self) -> object:
        """Do it."""


def run_in_processes(
    calls: Sequence[Call], at_once: int, ended: Callable[[int, int], object]
) -> None:
    """Run all the calls.

    SIGINT, SIGTERM and SIGUSR1 are passed on to the processes. After the first two no further
    call is begun, and those that run are waited for.

    Args:
        calls: in the order in which they begin.
        at_once: how many run at a time, at least 1.
        ended: called as soon as one has, with its index and its exit code, `-n` for signal n.

    Raises:
        Stopped: by a signal, after all running calls have ended.
        OSError: a process cannot be started, or its folder not be written.
    """
    gpus = visible_gpus()
    waiting, slots = list(range(len(calls))), list(range(at_once))
    running: dict[int, tuple[int, subprocess.Popen[bytes]]] = {}
    stops: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGUSR1:
            stops.append(number)
        for _, process in list(running.values()):
            process.send_signal(number)

    with listening(pass_on):
        while running or (waiting and not stops):
            while waiting and slots and not stops:
                slot, index = slots.pop(0), waiting.pop(0)
                running[slot] = index, _start(calls[index], share(slot, at_once, gpus))
                if stops:  # it came too early for this one to be told
                    running[slot][1].send_signal(stops[0])
            time.sleep(POLL)
            for slot, (index, process) in list(running.items()):
                if (code := process.poll()) is not None:
                    del running[slot]
                    slots.append(slot)
                    ended(index, code)
    if stops:
        raise Stopped(signal.Signals(stops[0]).name)


def visible_gpus() -> list[str]:
    """What to write into CUDA_VISIBLE_DEVICES for each GPU that this process may use."""
    import torch

    count = torch.cuda.device_count()
    named = [name for name in os.environ.get(GPUS, "").split(",") if name.strip()]
    return (named or [str(number) for number in range(count)])[:count]


def usual_number() -> int:
    """How many calls at once where nobody says: one a GPU, or two where there is none."""
    return len(visible_gpus()) or WITHOUT_GPU


def share(slot: int, at_once: int, gpus: Sequence[str]) -> dict[str, str]:
    """The environment of the process in a slot: its GPU where there are several, its threads.

    Args:
        slot: from 0 to `at_once - 1`.
        at_once: how many processes there are at a time.
        gpus: as CUDA names them.
    """
    own = {}
    if len(gpus) > 1:
        own[GPUS] = gpus[slot % len(gpus)]
    if THREADS not in os.environ:
        own[THREADS] = str(max(1, cores() // at_once))
    return own


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(call: Call, own: dict[str, str]) -> "subprocess.Popen[bytes]":
    call.folder.mkdir(parents=True, exist_ok=True)
    with (call.folder / OUTPUT).open("ab") as output:
        process = subprocess.Popen(
            # -P: nothing that lies in the working directory takes a module's place
            [sys.executable, "-P", "-c", PROGRAM.format([*filter(None, sys.path)])],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **own},
            start_new_session=True,  # Ctrl-C reaches it once, from us
        )
    # one that is dead takes nothing; its exit code will say so
    with contextlib.suppress(BrokenPipeError), cast(IO[bytes], process.stdin) as pipe:
        pipe.write(pickle.dumps(call))
    return process


def main() -> None:
    """Do the call that comes on stdin, and leave with an exit code."""
    attend("gan-train", _do, None)


def _do(arguments: list[str]) -> int:
    pickle.load(sys.stdin.buffer)()
    return 0
