"""The launchers of `hydra/launcher=`, where Hydra looks for plugins."""

from collections.abc import Callable, Sequence
from typing import Any

from gan_cli.cli.launching import CallLauncher, why_ended
from gan_cli.cli.processes import Call, run_in_processes, usual_number
from gan_cli.errors import UserError


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
        if self.jobs is not None and not (isinstance(self.jobs, int) and self.jobs > 0):
            raise UserError(f"hydra.launcher.jobs={self.jobs}: should be a whole number above 0")
        super().setup(**given)

    def run(self, calls: Sequence[Call], ended: Callable[[int, str], None]) -> None:
        """Run them in processes."""
        at_once = self.jobs or usual_number()
        run_in_processes(calls, at_once, lambda index, code: ended(index, why_ended(code)))
