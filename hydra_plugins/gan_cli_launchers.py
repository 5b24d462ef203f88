"""The launchers of `hydra/launcher=`, where Hydra looks for plugins."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gan_cli.cli.launching import CallLauncher, why_ended
from gan_cli.cli.on_ray import require_ray, run_on_ray
from gan_cli.cli.processes import OUTPUT, Call, run_in_processes, usual_number
from gan_cli.cli.queued import open_queue, run_queued
from gan_cli.errors import UserError

log = logging.getLogger(__name__)


def _require_number(name: str, value: Any) -> None:
    if not isinstance(value, int) or value < 1:
        raise UserError(f"hydra.launcher.{name}={value}: should be a whole number above 0")


class Local(CallLauncher):
    """Several jobs at once on this machine.

    Args:
        jobs: how many; None: one a GPU, or 2 where there is none.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def setup(self, **given: Any) -> None:
        """Take what Hydra hands over.

        Raises:
            UserError: `jobs` is no number of jobs.
        """
        if self.jobs is not None:
            _require_number("jobs", self.jobs)
        super().setup(**given)

    def run(self, calls: Sequence[Call], ended: Callable[[int, str], None]) -> None:
        """Run them in processes."""
        at_once = min(self.jobs or usual_number(), len(calls))
        log.info("%d at once; what one prints goes into its folder's %s", at_once, OUTPUT)
        run_in_processes(calls, at_once, lambda index, code: ended(index, why_ended(code)))


class Ray(CallLauncher):
    """Jobs on a Ray cluster; this waits for them.

    Args:
        address: the cluster's; None: the one this machine is in, else one of its own.
        cpus: cores a job takes.
        gpus: GPUs a job takes; None: 1 where there is any.
    """

    def __init__(self, address: str | None, cpus: float, gpus: float | None) -> None:
        self.address, self.cpus, self.gpus = address, cpus, gpus

    def setup(self, **given: Any) -> None:
        """Take what Hydra hands over.

        Raises:
            UserError: Ray is not there, or what a job takes is no number.
        """
        require_ray()
        for name, value in (("cpus", self.cpus), ("gpus", self.gpus)):
            if value is not None and not (isinstance(value, int | float) and value >= 0):
                raise UserError(f"hydra.launcher.{name}={value}: should be a number from 0 on")
        super().setup(**given)

    def run(self, calls: Sequence[Call], ended: Callable[[int, str], None]) -> None:
        """Hand them to Ray, and wait."""
        run_on_ray(calls, self.address, self.cpus, self.gpus, ended)


class Slurm(CallLauncher):
    """Jobs in SLURM's queue; this waits for them.

    Args:
        cluster: `slurm`, or `local`: the same on this machine without a queue.
        folder: for what submitit notes and the jobs print.
        at_once: how many run at a time, at most.
        requeues: how often a job whose time was up goes back into the queue.
        partition: of the cluster.
        more: further parameters as sbatch calls them, `account: lab`.
        parameters: `timeout_min`, `gpus_per_node`, `cpus_per_task`, `mem_gb`.
    """

    def __init__(
        self,
        cluster: str,
        folder: str,
        at_once: int,
        requeues: int,
        partition: str | None,
        more: Mapping[str, Any],
        **parameters: Any,
    ) -> None:
        self.cluster, self.folder = cluster, Path(folder)
        self.at_once, self.requeues = at_once, requeues
        own = {"partition": partition, **more}
        self.parameters = parameters | {f"slurm_{name}": value for name, value in own.items()}

    def setup(self, **given: Any) -> None:
        """Take what Hydra hands over.

        Raises:
            UserError: there is no queue, or a parameter is none.
        """
        _require_number("at_once", self.at_once)
        with TemporaryDirectory() as folder:  # nothing of a sweep that is refused stays
            self._open(Path(folder))
        super().setup(**given)

    def _open(self, folder: Path) -> Any:
        return open_queue(self.cluster, folder, self.requeues, self.parameters, self.at_once)

    def run(self, calls: Sequence[Call], ended: Callable[[int, str], None]) -> None:
        """Queue them, and wait."""
        log.info("queued; what they print goes into %s", self.folder)
        run_queued(calls, self._open(self.folder), ended)
