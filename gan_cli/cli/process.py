"""What surrounds a command from its first line to its last: signals, streams, the exit code.

Imports next to nothing, so that there is no time in which a signal finds nobody listening.
"""

import atexit
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, Protocol

FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143

Handler = Callable[[int, FrameType | None], Any]


class Stopped(BaseException):
    """A signal ended the job; no further job of a sweep is begun."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(signal_name)
        self.code = TERMINATED if signal_name == "SIGTERM" else INTERRUPTED


class Stoppable(Protocol):
    """A run that looks, between two steps, whether it is to stop."""

    stop: signal.Signals | None


def attend(
    command: str, body: Callable[[list[str]], int], arguments: Sequence[str] | None
) -> NoReturn:
    """Run a command and leave with its exit code, whatever signals come and streams go.

    Args:
        command: the name to put before what is said.
        body: takes the arguments and returns the exit code; may raise Stopped.
        arguments: None where the command has the process to itself: they are the process's then.
    """
    alone = arguments is None
    given = list(sys.argv[1:] if arguments is None else arguments)
    code = FAILED

    def leave_at_once(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGUSR1:
            os._exit(code or 128 + number)  # what had to be saved is, whatever the end waits for

    with listening(_stop_at_once, afterwards=leave_at_once if alone else None):
        try:
            if alone:
                atexit.register(_ignore_signals)  # the first to be registered is the last to run
                _guard_streams(command)
                _find_own_packages()
            code = print_version() if "--version" in given else body(given)
        except (Stopped, KeyboardInterrupt) as stopped:
            name = str(stopped) if isinstance(stopped, Stopped) else "a second Ctrl-C"
            lines = [f"{command}: stopped by {name.replace('SIGINT', 'Ctrl-C')}", *notes(stopped)]
            print(*lines, sep="\n", file=sys.stderr)
            code = stopped.code if isinstance(stopped, Stopped) else INTERRUPTED
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    sys.exit(code)


def _ignore_signals() -> None:
    """The interpreter takes itself apart, Python's handlers first: a signal would take the code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


def notes(error: BaseException) -> list[str]:
    """What was added to an error: how to resume, say."""
    return list(getattr(error, "__notes__", []))


def print_version() -> int:
    """Say which version this is, and of what it depends on most; return the exit code."""
    from importlib.metadata import version

    print(f"gan-cli {version('gan-cli')} (torch {version('torch')})")
    return 0


@contextmanager
def listening(handler: Handler, afterwards: Handler | None = None) -> Iterator[None]:
    """While entered, SIGINT, SIGTERM and SIGUSR1 are `handler`'s.

    Args:
        handler: gets the signal's number.
        afterwards: whose they are then; None: whose they were.
    """
    # Python gives signals to the main thread, and lets no other one listen
    in_main = threading.current_thread() is threading.main_thread()
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1) if in_main else ()
    before = {number: signal.signal(number, handler) for number in watched}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, afterwards or earlier)


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    """Where no run has begun there is nothing to save: SIGUSR1 means nothing, others the end."""
    if number != signal.SIGUSR1:
        raise Stopped(signal.Signals(number).name)


def pass_to(run: Stoppable) -> Handler:
    """A handler for the time around a run's loop: it will stop, or has, and closes what is open."""

    def note(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGUSR1:
            return
        if number == signal.SIGINT and run.stop is not None:
            raise KeyboardInterrupt
        run.stop = signal.Signals(number)

    return note


class Stream(io.TextIOWrapper):
    """stdout or stderr; when it fills up or is closed, that is said once and the run goes on."""

    lost: OSError | None = None

    def write(self, text: str, /) -> int:
        """Write text, or lose it."""
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Hand on what was written, or lose it."""
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.lost = error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())  # what is still in the buffer goes there too
        os.close(nowhere)
        if error.errno != errno.EPIPE:  # `| head` has seen what it wanted
            name, other = ("stdout", sys.stderr) if self is sys.stdout else ("stderr", sys.stdout)
            print(f"{name}: {error.strerror}; going on without it", file=other, flush=True)


def _guard_streams(command: str) -> None:
    closed = []
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # else the next file that is opened takes this number, and every message lands in it
            os.open(os.devnull, os.O_RDWR)
            closed.append(name)
    for number, name in ((1, "stdout"), (2, "stderr")):
        old = getattr(sys, name)
        if old is not None:
            old.flush()
        buffer = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
        encoding = "utf-8" if old is None else old.encoding
        lines = old is None or old.line_buffering or old.write_through  # as in python -u
        setattr(
            sys,
            name,
            Stream(buffer, encoding=encoding, errors="backslashreplace", line_buffering=lines),
        )
    if "stdout" in closed:
        print(f"{command}: stdout is closed; going on without it", file=sys.stderr)


def _find_own_packages() -> None:
    """Let the working directory's packages be found, as `python -m` would.

    Last, not first: a `random.py` that happens to lie there takes nobody's place.
    """
    here = os.getcwd()
    if not sys.flags.safe_path and here not in sys.path:
        sys.path.append(here)
