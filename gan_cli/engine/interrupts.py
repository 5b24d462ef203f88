"""Signals become requests that the training loop reads between two steps."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Interrupts:
    """While entered, SIGINT and SIGTERM ask the run to save and stop, SIGUSR1 to save and go on.

    A second SIGINT stops at once with KeyboardInterrupt. In a thread other than the main one, which
    Python lets listen to no signals, nothing changes.
    """

    def __init__(self) -> None:
        self.stop: signal.Signals | None = None
        self.saves_asked = 0
        """Counted, not flagged: a flag could be cleared just after it was raised anew."""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in WATCHED}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGUSR1:
            self.saves_asked += 1
        elif number == signal.SIGINT and self.stop is not None:
            raise KeyboardInterrupt
        else:
            self.stop = signal.Signals(number)
