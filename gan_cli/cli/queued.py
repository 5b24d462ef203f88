"""Calls in a cluster's queue, by way of submitit."""

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from gan_cli.cli.process import Stopped, listening
from gan_cli.cli.processes import Call
from gan_cli.errors import UserError

log = logging.getLogger(__name__)

LOCAL = "local"
"""Submitit's executor that runs jobs on this machine, as it does in a queue."""
POLL = 0.5
"""Seconds between two looks at the queue."""


@dataclass(frozen=True)
class Requeued:
    """A call as submitit runs it: when its time is up it saves, and goes back into the queue.

    Attributes:
        call: begins anew, or goes on where it was saved.
    """

    call: Call

    def __call__(self) -> None:
        """Do it."""
        from submitit.core.job_environment import JobEnvironment

        asks = getattr(signal, f"SIG{JobEnvironment.USR_SIG}")
        requeue, idle = signal.getsignal(asks), signal.getsignal(signal.SIGTERM)
        asked: list[FrameType | None] = []

        def save_first(number: int, frame: FrameType | None) -> None:
            if signal.getsignal(signal.SIGTERM) == idle:  # no run has begun
                requeue(number, frame)  # type: ignore[operator,misc]
            asked.append(frame)
            os.kill(os.getpid(), signal.SIGTERM)

        signal.signal(asks, save_first)
        try:
            with suppress(Stopped, KeyboardInterrupt):
                self.call()
        finally:
            signal.signal(asks, requeue)
        if asked:
            requeue(asks, asked[0])  # type: ignore[operator,misc]

    def checkpoint(self) -> Any:
        """What to put back into the queue."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def open_queue(
    cluster: str, folder: Path, requeues: int, parameters: Mapping[str, Any], at_once: int
) -> Any:
    """What submits to a queue.

    Args:
        cluster: `slurm`, or `local` for this machine.
        folder: for what submitit notes and the jobs print; all machines have to see it.
        requeues: how often a job whose time was up goes back into the queue.
        parameters: submitit's.
        at_once: how many jobs run at a time, at most.

    Raises:
        UserError: submitit is not there, nor is a queue, or a parameter is none.
    """
    try:
        import submitit
    except ImportError as error:
        line = "hydra/launcher=slurm: needs submitit; pip install 'gan-cli[slurm]'"
        raise UserError(line) from error
    try:
        executor = submitit.AutoExecutor(folder, cluster, slurm_max_num_timeout=requeues)
        executor.update_parameters(slurm_array_parallelism=at_once, **parameters)
    except RuntimeError as error:
        raise UserError(
            "hydra/launcher=slurm: there is no srun here; start it on a machine of the cluster, or "
            "try it with hydra.launcher.cluster=local"
        ) from error
    except (NameError, ValueError, AssertionError, TypeError) as error:
        raise UserError(f"hydra.launcher: {str(error).splitlines()[0]}") from error
    return executor


def run_queued(calls: Sequence[Call], queue: Any, ended: Callable[[int, str], None]) -> None:
    """Run all the calls, and wait for them.

    SIGINT and SIGTERM cancel them: those that run save first.

    Args:
        calls: in the order in which they are queued.
        queue: see `open_queue`.
        ended: called as each has, with its index and how the queue says that it ended.

    Raises:
        Stopped: by a signal, after all have ended.
    """
    stops: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGUSR1:
            stops.append(number)

    with listening(note):
        waiting = dict(enumerate(queue.submit_array([Requeued(call) for call in calls])))
        told = False
        while waiting:
            time.sleep(POLL)
            if stops and not told:
                told = True
                for job in waiting.values():
                    _cancel(job, queue.cluster)
            for index, job in list(waiting.items()):
                if job.done(force_check=bool(stops)):
                    del waiting[index]
                    ended(index, "" if stops else f"{job.state}; see {job.paths.stderr}")
    if stops:
        raise Stopped(signal.Signals(stops[0]).name)


def _cancel(job: Any, cluster: str) -> None:
    if cluster == LOCAL:  # whose own way leaves a second to save in
        with suppress(ProcessLookupError):
            os.kill(int(job.job_id), signal.SIGTERM)
    else:
        job.cancel(check=False)
