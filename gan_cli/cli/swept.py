"""What Hydra runs for each job of a sweep, under any launcher and sweeper, in any process."""

import contextlib
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from gan_cli.cli.book import Book, Job, JobEnd, Status, ending, forget, record, refuse_other
from gan_cli.cli.console import begin_log
from gan_cli.cli.overrides import as_typed, swept_keys, typed
from gan_cli.cli.start import SWEEP_FILE
from gan_cli.errors import RunFailed, UserError, is_out_of_memory

log = logging.getLogger(__name__)


class SweepRefused(BaseException):
    """A job's folder holds another job's run: the sweep ends before it makes a mess of it."""


@dataclass(frozen=True)
class SweptJob:
    """Runs a job that has not finished yet, and writes into its folder how that went.

    Nothing but the folder is relied on: a launcher may run this in another process, on another
    machine. A failure is no exception, for sweepers end with the first: the job then returns the
    worst value there is.

    Attributes:
        run: one job; returns its scalar.
        planned: the jobs known beforehand.
    """

    run: Callable[[DictConfig], float | None]
    planned: tuple[Job, ...] = ()

    def __call__(self, config: DictConfig) -> float:
        """Run the job that Hydra has set up.

        Raises:
            SweepRefused: its folder is another's.
            Stopped, KeyboardInterrupt: by a signal.
        """
        hydra = HydraConfig.get()
        folder, book = Path(hydra.runtime.output_dir), Book(Path(hydra.sweep.dir))
        refuse_foreign(hydra, folder)
        job = job_of(hydra, folder)
        book.enter([*self.planned, job])
        before = ending(folder)
        if before.status == Status.FINISHED:
            log.info("%s: finished already", job.label)
            return returned(before, hydra)
        forget(folder)
        try:
            return _number(self.run(config), hydra)
        except Exception as error:
            said = _what_happened(error, folder)
            with contextlib.suppress(OSError):  # a full disk: it is said on the screen all the same
                record(folder, said)
                begin_log()
            log.error("%s: failed: %s", job.label, said)
            return worst(hydra)
        finally:
            with contextlib.suppress(OSError):
                book.enter()


def standing_checkpoint(folder: Path) -> Mapping[str, Any] | None:
    """What to go on from in a job's folder; None where no run has come so far.

    Raises:
        UserError: all its checkpoints are damaged.
    """
    from gan_cli.sinks.saved import saved_in

    if not saved_in(folder / "checkpoints"):
        return None
    from gan_cli.sinks.checkpoint import load_newest

    return load_newest(folder)[1]


def _what_happened(error: Exception, folder: Path) -> str:
    if isinstance(error, OSError):  # a disk is full, a file cannot be read; it says which
        return str(error) if error.filename else f"{error}, in {folder}"
    if is_out_of_memory(error):
        return "out of memory"
    if not isinstance(error, UserError | RunFailed):
        log.exception("unexpected error")
    return str(error) or type(error).__name__


def refuse_foreign(hydra: Any, folder: Path) -> None:
    """Look whether the folder of the job that `hydra` describes is its own.

    Raises:
        SweepRefused: it holds another job's run.
    """
    try:
        refuse_other(folder, [as_typed(override) for override in typed(hydra)])
    except UserError as error:
        raise SweepRefused(*error.problems) from error


def job_of(hydra: Any, folder: Path) -> Job:
    """The job that Hydra's settings describe: what sets it apart is what its sweep varies."""
    sweep = Path(hydra.sweep.dir)
    swept = swept_keys(sweep / SWEEP_FILE)
    given = [as_typed(override) for override in typed(hydra)]
    own = [o for o in given if o.partition("=")[0].lstrip("+~") in swept]
    below = folder.absolute().relative_to(sweep.absolute())
    return Job(int(hydra.job.num), tuple(own or given), str(below))


def returned(how: JobEnd, hydra: Any) -> float:
    """What a sweeper gets of a job that ended so."""
    return _number(how.value if how.status == Status.FINISHED else None, hydra)


def _number(value: float | None, hydra: Any) -> float:
    return worst(hydra) if value is None or math.isnan(value) else value


def worst(hydra: Any) -> float:
    """The value no job can have: a search looks elsewhere, where NaN would end it."""
    sweeper = hydra.get("sweeper")
    direction = sweeper.get("direction") if isinstance(sweeper, Mapping | DictConfig) else None
    return -math.inf if str(direction).lower().endswith("maximize") else math.inf
