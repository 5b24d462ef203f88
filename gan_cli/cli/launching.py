"""Hydra's launchers on engines of ours: jobs become calls, which run anywhere."""

import abc
import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.callbacks import Callbacks
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobRuntime, JobStatus, configure_log, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from gan_cli.cli.book import Book, Status, ending, record
from gan_cli.cli.processes import OUTPUT, Call
from gan_cli.cli.swept import job_of, refuse_foreign, returned

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobCall:
    """One job, ready to be run in a fresh process.

    Attributes:
        config: the job's, Hydra's own settings in it.
        task: what to run with it.
    """

    config: DictConfig
    task: TaskFunction

    @property
    def folder(self) -> Path:
        """The job's."""
        return Path(self.config.hydra.sweep.dir) / self.config.hydra.sweep.subdir

    def __call__(self) -> None:
        """Run it as Hydra runs a job."""
        setup_globals()
        version.setbase("1.3")
        JobRuntime.instance().set("name", self.config.hydra.job.name)
        run_job(
            hydra_context=HydraContext(None, Callbacks(self.config)),  # type: ignore[arg-type]
            task_function=self.task,
            config=self.config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )


class CallLauncher(Launcher):
    """Runs those jobs of a sweep that are not finished, each in a fresh process.

    What came of a job is read in its folder. Where that says nothing, because the process was
    killed, this writes it.
    """

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra hands over."""
        self.context, self.task, self.config = hydra_context, task_function, config

    @abc.abstractmethod
    def run(self, calls: Sequence[Call], ended: Callable[[int, str], None]) -> None:
        """Run all the calls.

        Args:
            calls: in the order in which they should begin.
            ended: to be called as each has, with its index and what is known of why it ended.

        Raises:
            UserError: this cannot run anything here.
            Stopped: by a signal, after all running calls have ended.
        """

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run these jobs.

        Raises:
            UserError, Stopped: see `run`.
            SweepRefused: the folder of one is another's.
        """
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        calls = [
            JobCall(self._config_of(list(overrides), number), self.task)
            for number, overrides in enumerate(job_overrides, start=initial_job_idx)
        ]
        for call in calls:
            refuse_foreign(call.config.hydra, call.folder)
        jobs = [job_of(call.config.hydra, call.folder) for call in calls]
        book = Book(Path(self.config.hydra.sweep.dir))
        book.enter([*getattr(self.task, "planned", ()), *jobs])
        before = [ending(call.folder) for call in calls]
        open_ = [n for n, how in enumerate(before) if how.status != Status.FINISHED]
        if len(open_) < len(calls):
            log.info("%d of %d jobs are finished already", len(calls) - len(open_), len(calls))

        def ended(index: int, why: str) -> None:
            number = open_[index]
            how = ending(calls[number].folder)
            silent = how.status in (Status.MISSING, Status.UNENDED)
            if why and (silent or (how.status == Status.STOPPED and how == before[number])):
                record(calls[number].folder, why)
                how = ending(calls[number].folder)
            book.enter()
            value = f", {how.scalar} {how.value:.4g}" if how.value is not None else ""
            said = f": {how.reason}" if how.status == Status.FAILED else value
            log.info("%s: %s%s", jobs[number].label, how.status, said)

        if open_:
            log.info("%d jobs to run, into %s", len(open_), book.folder)
            self.run([calls[number] for number in open_], ended)
        return [_return_of(call) for call in calls]

    def _config_of(self, overrides: list[str], number: int) -> DictConfig:
        config = self.context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        earlier = HydraConfig.instance().cfg
        HydraConfig.instance().set_config(config)  # the folder may hold ${hydra:...}
        try:
            folder, below = Path(config.hydra.sweep.dir).absolute(), config.hydra.sweep.subdir
        finally:
            HydraConfig.instance().cfg = earlier
        with read_write(config.hydra):
            # the time of day is in it: another process must not read it off its own clock
            config.hydra.sweep.dir, config.hydra.sweep.subdir = str(folder), str(below)
        return config


def _return_of(call: JobCall) -> JobReturn:
    hydra: Any = call.config.hydra
    given: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    result = JobReturn(given, call.config, call.config, str(Path.cwd()), hydra.job.name)
    result.status = JobStatus.COMPLETED
    result.return_value = returned(ending(call.folder), hydra)
    return result


def why_ended(code: int) -> str:
    """What an exit code says; nothing where all went well or a signal asked for the end."""
    if code in (0, 130, 143, -signal.SIGINT, -signal.SIGTERM):
        return ""
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"left with exit code {code}"
    memory = ", as where memory runs out" if code == -signal.SIGKILL else ""
    return f"{how}{memory}; see {OUTPUT} in its folder"
