"""metrics.jsonl: every report, one JSON object a line."""

import json
import time
from pathlib import Path

from gan_cli.sinks.sink import ReportSink, Run


class JsonLines(ReportSink):
    """Appends `{"step", "images", "seconds", <every scalar>}`.

    Args:
        path: the file.
        step: lines after this step, left by an earlier part of a resumed run, are dropped.
    """

    def __init__(self, path: Path, step: int) -> None:
        super().__init__()
        self.path = path
        kept = _lines_until(path, step) if path.exists() else []
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        earlier = json.loads(kept[-1])["seconds"] if kept else 0.0
        self._began = time.monotonic() - earlier

    def write(self, run: Run) -> None:
        """Append the report."""
        assert run.report is not None
        line = {
            "step": run.step,
            "images": run.images,
            "seconds": round(time.monotonic() - self._began, 3),
            **run.report,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read_reports(path: Path, step: int) -> list[dict[str, float]]:
    """The reports in a `metrics.jsonl` up to `step`; none where there is no such file."""
    return [json.loads(line) for line in _lines_until(path, step)] if path.exists() else []


def _lines_until(path: Path, step: int) -> list[str]:
    """The file's whole lines up to `step`; a line cut short by a crash is dropped."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    return kept
