"""What a run's folder says about the run."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.comparison.curves import Series, read_curves
from gan_cli.comparison.folders import CONFIG, natural
from gan_cli.comparison.reading import FIX, plain, read_json, read_text, read_yaml
from gan_cli.errors import UserError

UNFINISHED = "running or killed"
METRIC = "metric/"
GRID = re.compile(r"step-([0-9]{1,18})\.png")
DRAWN = "curves.png"
"""What shows numbers, which a page shows itself."""


@dataclass(frozen=True)
class Record:
    """One run, as its files tell it; what is not there (yet) is empty.

    Attributes:
        name: short, and no other run's of this comparison.
        folder: the run's.
        config: the resolved config.
        chosen: keys that were given on the command line.
        summary: of how it ended.
        report: the last one logged.
        metrics: by scalar's name, `(step, value)` of each time it was measured in training.
        evaluation: what gan-evaluate wrote.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    chosen: frozenset[str]
    summary: Mapping[str, Any]
    report: Mapping[str, Any]
    metrics: Mapping[str, list[tuple[float, float]]]
    evaluation: Mapping[str, Any]

    @property
    def ended(self) -> str:
        """How: `finished`, a signal's name, an error; or that it has not, so far as one can see."""
        return str(self.summary["reason"]) if self.summary.get("reason") else UNFINISHED

    @property
    def warnings(self) -> Sequence[str]:
        """What its health was warned of, in a word or two each."""
        said = self.summary.get("warnings")
        return list(map(str, said)) if isinstance(said, dict) else []

    @property
    def step(self) -> Any:
        """Generator updates done."""
        return self.summary.get("step", self.report.get("step"))

    @property
    def scalars(self) -> Mapping[str, Any]:
        """The last value of each scalar."""
        metrics = self.summary.get("metrics")
        return {**self.report, **(metrics if isinstance(metrics, dict) else {})}

    def grids(self) -> dict[int, Path]:
        """The grids of samples by step, from the first to the last."""
        files = (path for path in self.folder.glob("samples/step-*.png") if path.is_file())
        named = {path: GRID.fullmatch(path.name) for path in files}
        return dict(sorted((int(match[1]), path) for path, match in named.items() if match))

    def sheets(self) -> dict[str, Path]:
        """The newest of its other sheets, by name: `real_and_fake`, `neighbours`."""
        files = (path for path in self.folder.glob("*.png") if path.is_file())
        found = sorted(files, key=lambda path: natural(path.name))
        return {path.stem: path for path in found if path.name != DRAWN}

    def curves(self) -> dict[str, Series]:
        """Every scalar over the run."""
        return read_curves(self.folder / "metrics.jsonl")


def read_record(folder: Path, name: str) -> Record:
    """Read a run's files.

    Raises:
        UserError: one of them is broken.
    """
    report, metrics = _read_reports(folder / "metrics.jsonl")
    summary = read_json(folder / "summary.json")
    if _number(report.get("step")) > _number(summary.get("step")):
        summary = {}  # of an earlier part: the run was resumed and goes on, or was killed
    evaluation = read_evaluation(folder)
    config = read_yaml(folder / CONFIG)
    if not isinstance(config, dict):
        raise UserError(f"{folder / CONFIG}: holds no keys and values; {FIX}")
    return Record(name, folder, config, _chosen(folder), summary, report, metrics, evaluation)


def read_evaluation(folder: Path) -> dict[str, Any]:
    """What gan-evaluate wrote into a run's folder; empty where it has not.

    Raises:
        UserError: the file is broken.
    """
    evaluation = read_json(folder / "evaluation.json")
    values = evaluation.get("metrics", [])
    if not isinstance(values, list) or not all(
        isinstance(value, dict) and isinstance(value.get("name"), str) for value in values
    ):
        raise UserError(
            f"{folder / 'evaluation.json'}: its metrics should be a list of names and values; "
            "run gan-evaluate again"
        )
    return evaluation


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0


def _chosen(folder: Path) -> frozenset[str]:
    """The keys in Hydra's list of overrides: `+optimizer.lr=1e-4`."""
    overrides = read_yaml(folder / ".hydra" / "overrides.yaml")
    texts = map(str, overrides if isinstance(overrides, list) else [])
    return frozenset(text.partition("=")[0].lstrip("+~") for text in texts)


def _read_reports(path: Path) -> tuple[dict[str, Any], dict[str, list[tuple[float, float]]]]:
    """The last report, and all there is of each metric.

    Of the other lines nothing is wanted, and there may be a hundred thousand: they stay unread.
    """
    lines = read_text(path).splitlines()
    report: dict[str, Any] = {}
    metrics: dict[str, list[tuple[float, float]]] = {}
    for number, line in enumerate(lines, start=1):
        if number < len(lines) - 1 and f'"{METRIC}' not in line:
            continue
        try:
            report = plain(dict(json.loads(line)))
        except (ValueError, TypeError, RecursionError) as error:
            if number == len(lines):
                break  # cut short: it is being written, or the run was killed
            raise UserError(f"{path}:{number}: not JSON; delete this line") from error
        for name, value in report.items():
            if name.startswith(METRIC) and isinstance(value, int | float):
                metrics.setdefault(name, []).append((_number(report.get("step")), value))
    return report, metrics
