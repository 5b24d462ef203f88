"""What a sweep's folder says: which jobs there are, and how far each is.

The truth is in the jobs' own folders, where a run writes whoever started it; `sweep.json` is read
off them anew each time a job begins or ends, in whichever process that is.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from gan_cli.comparison.folders import CONFIG
from gan_cli.comparison.reading import read_json
from gan_cli.errors import UserError
from gan_cli.files import amend_json, write_whole

BOOK = "sweep.json"
BOOK_LOCK = ".sweep.lock"
SUMMARY = "summary.json"
SIGNALS = ("SIGTERM", "SIGINT", "stopped at once")
"""How a run says that it was told to stop."""
UNENDED = (None, "running")


class Status(StrEnum):
    """How far a job is."""

    MISSING = "missing"
    """It has not begun."""
    UNENDED = "running or killed"
    STOPPED = "stopped"
    """By a signal, after saving."""
    FAILED = "failed"
    PRUNED = "pruned"
    """A search gave it up; the reason says why."""
    FINISHED = "finished"


@dataclass(frozen=True)
class JobEnd:
    """How a job ended, if it did.

    Attributes:
        status: how far it is.
        reason: in the run's words; several lines where several things were wrong.
        scalar: what it returns to a sweeper; empty where nothing.
        value: that scalar's.
    """

    status: Status
    reason: str = ""
    scalar: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Attributes:
        number: Hydra's.
        overrides: what sets it apart from the others, as typed.
        folder: its own, below the sweep's.
    """

    number: int
    overrides: tuple[str, ...]
    folder: str

    @property
    def label(self) -> str:
        """What to call it: `job 0 (seed=0,model=dcgan)`."""
        return f"job {self.number} ({','.join(self.overrides)})"


def ending(folder: Path) -> JobEnd:
    """How the job with this folder ended; a damaged summary says nothing."""
    try:
        summary = read_json(folder / SUMMARY)
    except UserError:
        summary = {}
    reason = summary.get("reason")
    if reason in UNENDED:
        return JobEnd(Status.UNENDED if (folder / CONFIG).is_file() else Status.MISSING)
    known = {"finished": Status.FINISHED} | dict.fromkeys(SIGNALS, Status.STOPPED)
    if str(reason).startswith(f"{Status.PRUNED}: "):
        return JobEnd(Status.PRUNED, str(reason))
    returns = summary.get("returns")
    pairs = list(returns.items()) if isinstance(returns, dict) else []
    scalar, value = pairs[0] if pairs else ("", None)
    number = value if isinstance(value, int | float) else None
    return JobEnd(known.get(str(reason), Status.FAILED), str(reason), scalar, number)


def record(folder: Path, reason: str) -> None:
    """Write into a job's folder why it failed, unless its run has said just that.

    Raises:
        OSError: the disk is full or not writable.
    """
    if ending(folder).reason != reason:
        amend_json(folder / SUMMARY, reason=reason)


def forget(folder: Path) -> None:
    """Take away what an earlier attempt at a job said of its end: it begins anew, or goes on."""
    (folder / SUMMARY).unlink(missing_ok=True)


def refuse_other(folder: Path, overrides: Sequence[str]) -> None:
    """Look whether a job's folder holds another job's run.

    Args:
        folder: the job's.
        overrides: all of the job's, as typed.

    Raises:
        UserError: it does.
    """
    try:
        found = yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return
    if isinstance(found, list) and list(map(str, found)) != list(overrides):
        raise UserError(
            f"{folder}: holds a run of its own ({' '.join(map(str, found)) or 'no overrides'}), "
            "not this job's; give another hydra.sweep.dir"
        )


class Book:
    """The jobs of the sweep in a folder.

    Args:
        folder: the sweep's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / BOOK

    @property
    def jobs(self) -> list[Job]:
        """All that are known, by number; none where the file is not there or damaged."""
        try:
            entries = read_json(self.path)["jobs"]
            return [Job(int(e["job"]), tuple(e["overrides"]), str(e["folder"])) for e in entries]
        except (UserError, KeyError, TypeError, ValueError):
            return []

    @property
    def begun(self) -> bool:
        """Whether any of the jobs has."""
        return any(self.ending(job).status != Status.MISSING for job in self.jobs)

    def ending(self, job: Job) -> JobEnd:
        """How one of the jobs ended, if it did."""
        return ending(self.folder / job.folder)

    def enter(self, jobs: Iterable[Job] = ()) -> None:
        """Add jobs that were not known yet, and write how far each is.

        Raises:
            OSError: the disk is full or not writable.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / BOOK_LOCK):
            known = {job.number: job for job in [*jobs, *self.jobs]}
            entries = [self._entry(known[number]) for number in sorted(known)]
            text = json.dumps({"jobs": entries}, indent=2)
            write_whole(self.path, f"{text}\n".encode())

    def _entry(self, job: Job) -> dict[str, Any]:
        how = self.ending(job)
        entry: dict[str, Any] = {"job": job.number, "folder": job.folder}
        entry |= {"overrides": list(job.overrides), "status": str(how.status)}
        if how.status == Status.FAILED:
            entry["reason"] = how.reason
        if how.value is not None:
            entry["returns"] = {how.scalar: how.value}
        return entry
