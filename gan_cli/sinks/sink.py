"""What every sink is offered, and when it takes it."""

import abc
import logging
from typing import Any, Protocol

from gan_cli.errors import RunFailed
from gan_cli.games.requests import Drawing, Request
from gan_cli.tricks.examples import Progress

log = logging.getLogger(__name__)


class Requests(Protocol):
    """What signals have asked for."""

    saves_asked: int


class Length(Protocol):
    """How long a run is to be: one of the two is given."""

    @property
    def steps(self) -> int | None:
        """Generator updates."""

    @property
    def minutes(self) -> float | None:
        """Minutes of training."""


class Run(Protocol):
    """What a sink may know of the run."""

    step: int
    seconds: float
    report: dict[str, float] | None
    last_report: dict[str, float]
    outcome: str
    returns: str

    @property
    def skips(self) -> bool:
        """Whether a player's latest turn was skipped, for a loss or a gradient was not finite."""

    @property
    def interrupts(self) -> Requests:
        """What signals have asked for."""

    @property
    def duration(self) -> Length:
        """How long the run is to be."""

    @property
    def progress(self) -> Progress:
        """How far it is."""

    @property
    def images(self) -> int:
        """Real samples seen."""

    def draw(self, request: Request) -> Drawing:
        """Draw as a sample of this run would be, with the mean of weights where one is kept."""

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on."""


class Sink(abc.ABC):
    """Something a run leaves behind, written every `every` steps (0: never) and at the end."""

    vital = False
    """Whether a run that cannot write this has to stop."""

    def __init__(self, every: int) -> None:
        self.every = every
        self._failed = False

    def open(self, run: Run) -> None:
        """The run is about to begin, or to go on; called once."""
        try:
            self.begin(run)
        except OSError as error:
            self._warn(error)

    def begin(self, run: Run) -> None:  # noqa: B027
        """Write what there is before the first step."""

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
