"""What a run's folder says about the run."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gan_cli.comparison.curves import Series, read_curves
from gan_cli.comparison.folders import CONFIG, natural
from gan_cli.errors import UserError

UNFINISHED = "running or killed"
METRIC = "metric/"
FIX = "fix it or leave out its run"
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
    metrics: Mapping[str, list[tuple[int, float]]]
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
        named = {path: GRID.fullmatch(path.name) for path in self.folder.glob("samples/step-*.png")}
        return dict(sorted((int(match[1]), path) for path, match in named.items() if match))

    def sheets(self) -> dict[str, Path]:
        """The newest of its other sheets, by name: `real_and_fake`, `neighbours`."""
        found = sorted(self.folder.glob("*.png"), key=lambda path: natural(path.name))
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
    summary = _read_json(folder / "summary.json")
    if _number(report.get("step")) > _number(summary.get("step")):
        summary = {}  # of an earlier part: the run was resumed and goes on, or was killed
    evaluation = read_evaluation(folder)
    config = _read_yaml(folder / CONFIG)
    if not isinstance(config, dict):
        raise UserError(f"{folder / CONFIG}: holds no keys and values; {FIX}")
    return Record(name, folder, config, _chosen(folder), summary, report, metrics, evaluation)


def read_evaluation(folder: Path) -> dict[str, Any]:
    """What gan-evaluate wrote into a run's folder; empty where it has not.

    Raises:
        UserError: the file is broken.
    """
    evaluation = _read_json(folder / "evaluation.json")
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


def _read_text(path: Path) -> str:
    """The whole file; nothing where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {FIX}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not text; {FIX}") from error


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(_read_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "strange characters"
        raise UserError(f"{where}: not YAML ({problem}); {FIX}") from error


def _chosen(folder: Path) -> frozenset[str]:
    """The keys in Hydra's list of overrides: `+optimizer.lr=1e-4`."""
    overrides = _read_yaml(folder / ".hydra" / "overrides.yaml")
    texts = map(str, overrides if isinstance(overrides, list) else [])
    return frozenset(text.partition("=")[0].lstrip("+~") for text in texts)


def _read_json(path: Path) -> dict[str, Any]:
    text = _read_text(path)
    if not text and not path.exists():
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise UserError(f"{path}:{line}: not JSON; fix or delete this file") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no keys and values; fix or delete this file")
    return content


def _read_reports(path: Path) -> tuple[dict[str, Any], dict[str, list[tuple[int, float]]]]:
    """The last report, and all there is of each metric.

    Of the other lines nothing is wanted, and there may be a hundred thousand: they stay unread.
    """
    lines = _read_text(path).splitlines()
    report: dict[str, Any] = {}
    metrics: dict[str, list[tuple[int, float]]] = {}
    for number, line in enumerate(lines, start=1):
        if number < len(lines) - 1 and f'"{METRIC}' not in line:
            continue
        try:
            report = dict(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            if number == len(lines):
                break  # cut short: it is being written, or the run was killed
            raise UserError(f"{path}:{number}: not JSON; delete this line") from error
        for name, value in report.items():
            if name.startswith(METRIC) and isinstance(value, int | float):
                metrics.setdefault(name, []).append((report.get("step", 0), value))
    return report, metrics
