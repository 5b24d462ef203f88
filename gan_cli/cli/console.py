"""Log lines: on a terminal that may show a progress bar, and in the file of a run that began."""

import contextlib
import logging
import sys

from tqdm import tqdm


class ConsoleHandler(logging.Handler):
    """Writes to stdout above the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        known = getattr(sys.stdout, "encoding", None) or "utf-8"  # names of files may be anything
        text = self.format(record).encode(known, errors="backslashreplace").decode(known)
        tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()


class RunLog(logging.FileHandler):
    """Keeps its lines to itself until the run has begun: a refused start writes nothing.

    Args:
        filename: the file, which may be there already.
        encoding: of the text.
    """

    def __init__(self, filename: str, encoding: str = "utf-8") -> None:
        super().__init__(filename, encoding=encoding, delay=True, errors="backslashreplace")
        self._held: list[logging.LogRecord] | None = []
        self._failed = False

    def begin(self) -> None:
        """Write what was held back, and from now on everything."""
        held, self._held = self._held or [], None
        for record in held:
            self.emit(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, or keep it."""
        if self._held is not None:
            self._held.append(record)
            return
        try:
            super().emit(record)
        except OSError:  # the file cannot be opened
            self.handleError(record)

    def close(self) -> None:
        """Let go of the file; what found no room was said already."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say once that the file cannot be written; the run goes on."""
        if not self._failed:
            self._failed = True
            said = f"{self.baseFilename}: {sys.exc_info()[1]}; the run goes on without this log"
            print(said, file=sys.stderr)


def begin_log() -> None:
    """Let the run's log be written, where there is one."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, RunLog):
            handler.begin()
