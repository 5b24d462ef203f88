"""What every sink is offered, and when it takes it."""

import abc
import logging
from typing import Any, Protocol

from torch import nn

from gan_cli.errors import RunFailed

log = logging.getLogger(__name__)


class Average(Protocol):
    """A running mean of a network's weights."""

    network: nn.Module


class Requests(Protocol):
    """What signals have asked for."""

    saves_asked: int


class Run(Protocol):
    """What a sink may know of the run."""

    step: int
    steps: int
    report: dict[str, float] | None
    last_report: dict[str, float]
    outcome: str

    @property
    def average(self) -> Average | None:
        """The running mean that samples are drawn with, where the run keeps one."""

    @property
    def interrupts(self) -> Requests:
        """What signals have asked for."""

    @property
    def images(self) -> int:
        """Real pictures seen."""

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on."""


class Sink(abc.ABC):
    """Something a run leaves behind, written every `every` steps (0: never) and at the end."""

    vital = False
    """Whether a run that cannot write this has to stop."""

    def __init__(self, every: int) -> None:
        self.every = every
        self._failed = False

    def offer(self, run: Run, last: bool) -> None:
        """Write if it is time to; a full disk ends the run only where the sink is vital."""
        if not self.due(run, last):
            return
        try:
            self.write(run)
        except OSError as error:
            if self.vital:
                raise RunFailed(f"{type(self).__name__} cannot be written: {error}") from error
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        """Say once that nothing comes of this sink."""
        if not self._failed:
            log.warning("%s cannot be written, going on without: %s", type(self).__name__, error)
        self._failed = True

    def due(self, run: Run, last: bool) -> bool:
        """Whether this step is to be written."""
        return self.every > 0 and (last or run.step % self.every == 0)

    @abc.abstractmethod
    def write(self, run: Run) -> None:
        """Write the present step."""

    def close(self, run: Run) -> None:
        """The run is over, however it ended; called once. A full disk keeps no other from this."""
        try:
            self.finish(run)
        except OSError as error:
            self._warn(error)

    def finish(self, run: Run) -> None:  # noqa: B027
        """Write what only the whole run has, and close what is open."""


class ReportSink(Sink):
    """A sink of the scalars: takes what the steps that log report."""

    def __init__(self) -> None:
        super().__init__(every=1)

    def due(self, run: Run, last: bool) -> bool:
        """On steps with a report."""
        return run.report is not None


class FinalSink(Sink):
    """A sink written once, when the run closes, however it ended."""

    def __init__(self) -> None:
        super().__init__(every=0)

    def finish(self, run: Run) -> None:
        """Write the run as it ended."""
        self.write(run)
