"""What is said when a sweep is over: the table of its runs, the best, what failed, what is left."""

import math
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import yaml

from gan_cli.cli.book import Book, Job, JobEnd, Status
from gan_cli.cli.overrides import ODD
from gan_cli.cli.start import SWEEP_FILE
from gan_cli.errors import RunFailed, UserError
from gan_cli.metrics.values import better

METRIC = "metric/"
USUAL_TERMINAL = (100, 24)
Ended = tuple[Job, JobEnd]
Direction = Literal["lower", "higher"]


def close(
    folder: Path | None, planned: Sequence[Job], stopped: BaseException | None
) -> list[tuple[str, RunFailed]]:
    """Say how a sweep has gone, and return its failures: whose, and what.

    Args:
        folder: the sweep's; None where it was not set up.
        planned: the jobs known beforehand.
        stopped: the signal that ended it, to which it is added what was not run; the table is left
            out then.
    """
    book = None if folder is None else Book(folder)
    if stopped is not None:
        go_on = "" if book is None else how_to_go_on(book)
        for line in filter(None, [*not_run(book, planned), go_on]):
            stopped.add_note(line)
    elif book is not None and book.begun:
        print("\n".join(closing_lines(book)))
    return [] if book is None else _failed(book, whole=stopped is None)


def _failed(book: Book, whole: bool) -> list[tuple[str, RunFailed]]:
    """What failed; where the sweep was not stopped as a whole, also what was by itself."""
    found = []
    for job in book.jobs:
        how = book.ending(job)
        lines = how.reason.splitlines() if how.status == Status.FAILED else []
        if whole and how.status in (Status.STOPPED, Status.UNENDED):
            lines = [": ".join(filter(None, [how.status, how.reason]))]
        found += [(f"{job.label}: ", RunFailed(line)) for line in lines]
    return found


def not_run(book: Book | None, planned: Sequence[Job]) -> list[str]:
    """A line for each job that has not begun.

    Args:
        book: the sweep's; None where it has none yet.
        planned: the jobs known beforehand.
    """
    begun = {} if book is None else {job.number: book.ending(job).status for job in book.jobs}
    missing = [j for j in planned if begun.get(j.number, Status.MISSING) == Status.MISSING]
    return [f"not run: {job.label}" for job in missing]


def how_to_go_on(book: Book) -> str:
    """How to run what is left; empty where nothing is."""
    counts = _counts(book)
    if not counts.total() or counts.total() == counts[Status.FINISHED]:
        return ""
    given = shlex.quote(f"hydra.sweep.dir={_shown(book.folder)}")
    return f"the same command with {given} runs what has not finished"


def closing_lines(book: Book) -> list[str]:
    """The table, with the best run first; which job that is; how many ended how."""
    ended = sorted(((job, book.ending(job)) for job in book.jobs), key=_rank(book))
    counts = _counts(book)
    parts = ", ".join(f"{counts[status]} {status}" for status in reversed(Status) if counts[status])
    jobs = "1 job" if len(ended) == 1 else f"{len(ended)} jobs"
    sums = f"{jobs} in {_shown(book.folder)}: {parts}"
    table = _table([book.folder / job.folder for job, _ in ended])
    said = [line for line in (_best(ended, book), sums, how_to_go_on(book)) if line]
    return ["", table, "", *said] if table else said


def _shown(folder: Path) -> Path:
    """A path as short as it can be said from here."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _counts(book: Book) -> Counter[Status]:
    return Counter(book.ending(job).status for job in book.jobs)


def _table(folders: Sequence[Path]) -> str:
    """That of gan-compare, of those folders that hold runs."""
    from gan_cli.comparison.columns import build_table
    from gan_cli.comparison.folders import CONFIG, short_names
    from gan_cli.comparison.records import read_record
    from gan_cli.comparison.terminal import render

    runs = [folder for folder in folders if (folder / CONFIG).is_file()]
    if not runs:
        return ""
    try:
        records = [read_record(f, name) for f, name in zip(runs, short_names(runs), strict=True)]
    except UserError as error:
        return str(error)
    return render(build_table(records), shutil.get_terminal_size(USUAL_TERMINAL).columns)


def _best(ended: Sequence[Ended], book: Book) -> str:
    """Which job is the best by what the jobs return; of a loss, which has the lowest."""
    there = [(job, how) for job, how in ended if _value(how) is not None]
    scalars = {how.scalar for _, how in there}
    if not there or len(ended) < 2 or len(scalars) > 1:
        return ""
    scalar = scalars.pop()
    job, how = there[0]
    value = f"{scalar} {how.value:.4g}"
    if _known(scalar):
        return f"best: {job.label}, {value}"
    word = "highest" if _direction(scalar, book) == "higher" else "lowest"
    advice = ""
    if scalar.startswith("loss/"):
        advice = " (no measure of samples; trainer.evaluate_every=N measures them)"
    return f"{word}: {job.label}, {value}{advice}"


def _value(how: JobEnd) -> float | None:
    finite = how.value is not None and math.isfinite(how.value)
    return how.value if finite and how.status == Status.FINISHED else None


def _rank(book: Book) -> Callable[[Ended], tuple[bool, float, int]]:
    def rank(ended: Ended) -> tuple[bool, float, int]:
        job, how = ended
        value = _value(how)
        sign = -1 if _direction(how.scalar, book) == "higher" else 1
        return value is None, sign * (value or 0.0), job.number

    return rank


def _known(scalar: str) -> Direction | None:
    """Which values are the better ones, where that is known of a metric."""
    try:
        return better(scalar.removeprefix(METRIC)) if scalar.startswith(METRIC) else None
    except KeyError:
        return None


def _direction(scalar: str, book: Book) -> Direction:
    """Which values come first: a metric's better ones, else those the sweeper looks for."""
    if known := _known(scalar):
        return known
    try:
        text = (book.folder / SWEEP_FILE).read_text(encoding="utf-8")
        wanted = yaml.safe_load(text)["hydra"]["sweeper"].get("direction")
    except (OSError, yaml.YAMLError, *ODD):
        wanted = None
    return "higher" if str(wanted).lower().endswith("maximize") else "lower"
