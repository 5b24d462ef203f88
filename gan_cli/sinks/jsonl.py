"""metrics.jsonl: every report, one JSON object a line."""

import json
import math
import time
from pathlib import Path
from typing import Any

from gan_cli.errors import UserError
from gan_cli.files import append_whole, write_whole
from gan_cli.sinks.sink import ReportSink, Run


class JsonLines(ReportSink):
    """Appends `{"step", "images", "seconds", <every scalar>}`.

    Args:
        path: the file.
        step: lines after this step, left by an earlier part of a resumed run, are dropped, and
            so are broken ones.

    Raises:
        UserError: the file cannot be read.
    """

    def __init__(self, path: Path, step: int) -> None:
        super().__init__()
        self.path = path
        kept = _reports(path, step)
        write_whole(path, b"".join(line + b"\n" for line, _ in kept))
        times = [report.get("seconds", math.nan) for _, report in kept]
        known = [seconds for seconds in times if math.isfinite(seconds)]
        self._began = time.monotonic() - (known[-1] if known else 0.0)

    def write(self, run: Run) -> None:
        """Append the report."""
        assert run.report is not None
        line = {
            "step": run.step,
            "images": run.images,
            "seconds": round(time.monotonic() - self._began, 3),
            **run.report,
        }
        with self.path.open("ab", buffering=0) as file:
            append_whole(file, (json.dumps(line) + "\n").encode())


def read_reports(path: Path, step: int) -> list[dict[str, float]]:
    """The reports in a `metrics.jsonl` up to `step`; none where there is no such file.

    Lines that are broken, and values that are no numbers, are left out.

    Raises:
        UserError: the file cannot be read.
    """
    return [report for _, report in _reports(path, step)]


def _reports(path: Path, step: int) -> list[tuple[bytes, dict[str, float]]]:
    """The file's whole lines up to `step`, as they stand there and as they are understood."""
    try:
        lines = path.read_bytes().split(b"\n") if path.exists() else []
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); move it out of the way"
        ) from error
    read = [(line, _report(line)) for line in lines]
    return [(line, report) for line, report in read if _step(report) <= step]


def _step(report: dict[str, float]) -> float:
    """A report's step, infinite where it has none."""
    step = report.get("step")
    return step if isinstance(step, int) else math.inf


def _report(line: bytes) -> dict[str, float]:
    """The numbers in a line; none where a crash has cut it short or a disk has garbled it."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):  # a UnicodeDecodeError is a ValueError
        return {}
    if not isinstance(values, dict):
        return {}
    return {name: value for name, value in values.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, float)
