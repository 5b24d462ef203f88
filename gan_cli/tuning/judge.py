"""What a run's reports say of a trial: its figure at each mark, and whether it is of any use."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from gan_cli.errors import UserError
from gan_cli.health.symptoms import COLLAPSE, Watch
from gan_cli.metrics.values import better, headline
from gan_cli.sinks.jsonl import read_reports
from gan_cli.spelling import nearest

PREFIX = "metric/"
Direction = Literal["minimize", "maximize"]
ANY_STEP = 2**62


def direction_of(metric: str) -> Direction:
    """Which values of a scalar are better.

    Raises:
        UserError: nobody knows; it has to be said.
    """
    try:
        return "minimize" if better(metric.removeprefix(PREFIX)) == "lower" else "maximize"
    except KeyError:
        raise UserError(
            f"search.metric={metric}: which values are better is not known; give "
            "search.direction=minimize or search.direction=maximize"
        ) from None


class Judge:
    """Reads `metrics.jsonl` of a run as it grows.

    Args:
        file: it; not there yet at first.
        metric: the scalar to go by; None: the figure to judge such a run by.

    Attributes:
        metric: its name, once a report has said it.
        marks: its values so far, by step.
        step: of the last report.
        collapsed: the step at which mode collapse was found; None where it was not.
    """

    def __init__(self, file: Path, metric: str | None) -> None:
        self.file, self.metric = file, metric
        self.marks: dict[int, float] = {}
        self.collapsed: int | None = None
        self.step = 0
        self._watch, self._size = Watch(), -1

    def look(self) -> list[tuple[int, float]]:
        """Read what is new; returns the new marks, each a step and its value."""
        size = self.file.stat().st_size if self.file.exists() else 0
        if size == self._size:
            return []
        self._size = size
        new = []
        for report in read_reports(self.file, ANY_STEP):
            step = int(report["step"])
            if step <= self.step:
                continue
            self.step = step
            if COLLAPSE in self._watch.read(step, report):
                self.collapsed = step
            if self.metric is None:
                found = headline([n.removeprefix(PREFIX) for n in report if n.startswith(PREFIX)])
                self.metric = found and PREFIX + found
            if self.metric in report:
                self.marks[step] = report[self.metric]
                new.append((step, report[self.metric]))
        return new

    def best(self, direction: Direction) -> float | None:
        """The best mark; None where there is none that is finite."""
        known = [value for value in self.marks.values() if math.isfinite(value)]
        pick = min if direction == "minimize" else max
        return pick(known, default=None)


def read_summary(folder: Path) -> Mapping[str, Any]:
    """A run's `summary.json`; empty where there is none."""
    try:
        found = json.loads((folder / "summary.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def refuse_missing(metric: str | None, known: Sequence[str]) -> None:
    """Raise UserError where a run that is over has never had the scalar to go by."""
    if metric is None:
        raise UserError(
            "search.metric: nothing is measured of this data by which runs could be judged; name a "
            "scalar of metrics.jsonl"
        )
    if metric not in known:
        raise UserError(f"search.metric={metric}: no such scalar{nearest(metric, known)}")
