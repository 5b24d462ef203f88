"""Log lines on a terminal that may show a progress bar, and on one that has gone away."""

import logging
import os
import sys

from tqdm import tqdm


class ConsoleHandler(logging.Handler):
    """Writes to stdout above the bar; if stdout is closed (`| head`), the run goes on."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            tqdm.write(self.format(record), file=sys.stdout)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
