"""Every curve of a run, as its metrics.jsonl tells it."""

import json
import math
from pathlib import Path
from typing import NamedTuple

from gan_cli.comparison.reading import plain, read_text


class Series(NamedTuple):
    """One scalar: `values` [K], some of them finite, at `steps` [K]."""

    steps: list[int]
    values: list[float]


def read_curves(path: Path) -> dict[str, Series]:
    """Every scalar of a metrics.jsonl by name; none where there is no such file.

    Where a run went back to a checkpoint, what came of it counts, not what it left behind. A line
    cut short by a crash and a scalar that is never finite are left out.
    """
    lines: list[dict[str, float]] = []
    for text in read_text(path).splitlines():
        try:
            line = plain(json.loads(text))
            if not (is_number(line["step"]) and math.isfinite(line["step"])):
                continue
            while lines and lines[-1]["step"] >= line["step"]:
                lines.pop()
            lines.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    found: dict[str, tuple[list[int], list[float]]] = {}
    for line in lines:
        for name, value in line.items():
            if "/" in name and is_number(value):
                steps, values = found.setdefault(name, ([], []))
                steps.append(int(line["step"]))
                values.append(value)
    return {
        name: Series(steps, values)
        for name, (steps, values) in found.items()
        if any(math.isfinite(value) for value in values)
    }


def is_number(value: object) -> bool:
    """Whether it is one; JSON's true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
