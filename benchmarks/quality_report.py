"""What a study of quality leaves behind: all values, a table, and the metrics over time."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib.figure import Figure

from gan_cli.metrics.values import better, headline
from gan_cli.viz.figures import COLORS

BESIDE = ("precision_classifier", "recall_classifier", "label_accuracy", "dark_half")
"""Metrics that are shown, where there are any, besides the one to judge by."""
STYLES = ("-", "--", ":")
"""Of lines, once there are no more colors."""
START, END = "<!-- table: benchmarks/quality.py -->", "<!-- end of table -->"

Record = Mapping[str, Any]
"""A run as `benchmarks.quality.do` returns it."""


def by_recipe(records: Sequence[Record]) -> dict[str, list[Record]]:
    """The runs of each recipe."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["job"]["recipe"], []).append(record)
    return groups


def shown_metrics(records: Sequence[Record]) -> list[str]:
    """The metric to judge by, then others worth a column."""
    names = {name: None for r in records for mark in r["marks"] for name in mark["metrics"]}
    first = headline(names)
    return [name for name in dict.fromkeys((first, *BESIDE)) if name in names]


def spread(values: Sequence[float]) -> str:
    """Mean, and the least and the most where there are several."""
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:.4g}"
    return f"{mean(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def _has(run: Record, mark: float) -> bool:
    return any(found["mark"] == mark for found in run["marks"])


def table(records: Sequence[Record]) -> str:
    """Recipes at their marks: means over seeds, with the least and the most."""
    names, unit = shown_metrics(records), records[0]["job"]["unit"]
    heads = ["recipe", unit, "seeds", *names, "steps", "images/s", "cores", "load"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    held_out: dict[str, float] = {}
    for recipe, runs in by_recipe(records).items():
        for mark in runs[0]["job"]["marks"]:
            there = [found for run in runs for found in run["marks"] if found["mark"] == mark]
            broken = sum(run["failed"] is not None and not _has(run, mark) for run in runs)
            if not there and not broken:
                continue
            seeds = f"{len(there)}, {broken} failed" if broken else str(len(there))
            metrics = [
                [f["metrics"][name] for f in there if name in f["metrics"]] for name in names
            ]
            speeds = [[f[key] for f in there] for key in ("images_per_second", "cores", "load")]
            steps = f"{mean(f['step'] for f in there):.0f}" if there else ""
            speed = [f"{mean(values):.3g}" if values else "" for values in speeds]
            row = [recipe, f"{mark:g}", seeds, *map(spread, metrics), steps, *speed]
            lines.append("| " + " | ".join(row) + " |")
            held_out = there[-1]["held_out"] if there else held_out
    best = [f"{held_out[name]:.4g}" if name in held_out else "" for name in names]
    lines.append("| " + " | ".join(["held-out reals", "", "", *best, "", "", "", ""]) + " |")
    return "\n".join(lines)


def figure(records: Sequence[Record]) -> Figure:
    """A panel a metric: the mean over seeds at each mark, and a band from the least to the most."""
    names, unit = shown_metrics(records), records[0]["job"]["unit"]
    drawn = Figure(figsize=(4.6 * len(names), 3.6), layout="constrained")
    panels = drawn.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        for number, (recipe, runs) in enumerate(by_recipe(records).items()):
            at: dict[float, list[float]] = {}
            for found in (found for run in runs for found in run["marks"]):
                if name in found["metrics"]:
                    at.setdefault(found["mark"], []).append(found["metrics"][name])
            marks, values = list(at), list(at.values())
            color, style = COLORS[number % len(COLORS)], STYLES[number // len(COLORS) % len(STYLES)]
            low, high = [min(v) for v in values], [max(v) for v in values]
            axes.fill_between(marks, low, high, color=color, alpha=0.15, linewidth=0)
            means = [mean(v) for v in values]
            axes.plot(marks, means, color=color, linestyle=style, marker=".", label=recipe)
        axes.set(title=name, xlabel=unit)
        if name == names[0] and better(name) == "lower" and axes.dataLim.y0 > 0:
            axes.set_yscale("log")  # a distance may fall by orders of magnitude
        axes.grid(alpha=0.25, which="both")
    panels[0].legend(fontsize=8, framealpha=0.7)
    return drawn


def write(out: Path, records: Sequence[Record]) -> None:
    """OUT.json and OUT.png; the table into OUT.md, whose rest stays where there is one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".json").write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    if shown_metrics(records):
        figure(records).savefig(out.with_suffix(".png"), dpi=100)
    page, block = out.with_suffix(".md"), f"{START}\n{table(records)}\n{END}"
    text = page.read_text(encoding="utf-8") if page.exists() else f"# Quality\n\n{block}\n"
    text = re.sub(f"{START}.*{END}", lambda _: block, text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")
