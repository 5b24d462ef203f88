"""The table as text that fits a terminal."""

import math
import re
import textwrap
from collections.abc import Sequence

from gan_cli.comparison.table import RESULTS, SETTINGS, Cell, Column, Kind, Table
from gan_cli.metrics.values import headline

LONGEST = 30
"""Characters of a value; CSV and page have it whole."""
NARROWEST = 8
"""Headings are broken into lines where they are longer than this and than their column's values."""
GAP = 2
WEIGHT = {
    Kind.RUN: 0,  # 1: what kind of model, and the one metric to judge it by
    Kind.ENDING: 2,
    Kind.CHOICE: 3,
    Kind.LOSS: 4,
    Kind.SPEED: 5,
    Kind.QUALITY: 6,
    Kind.SETTING: 7,
}
"""Which columns come first where not all fit."""
WHOLE = "--csv and --html have all"


def render(table: Table, width: int) -> str:
    """A line a run if all columns fit; else a line a column; else what matters most of it.

    Args:
        table: what to show.
        width: of the terminal, in characters.
    """
    columns = table.of(Kind.RUN, *SETTINGS, *RESULTS)
    by_run = [_lay_out(column) for column in columns]
    by_column = _turn(columns)
    left_out: list[str] = []
    if _width(by_run) > width and _width(by_column) <= width:
        text = _draw(by_column)
    else:
        kept = _fit(columns, by_run, width)
        left_out = [column.name for column in columns if column not in kept]
        text = _draw([lines for c, lines in zip(columns, by_run, strict=True) if c in kept])
    notes = []
    if left_out:
        notes.append(f"no room for {', '.join(left_out)}; {WHOLE}")
    details = len(table.of(Kind.DETAIL))
    if details:
        keys = "key that comes" if details == 1 else "keys that come"
        notes.append(f"not shown: {details} config {keys} with those that differ; {WHOLE}")
    return "\n\n".join([text, *("\n".join(_wrap(note, width)) for note in notes)])


def _wrap(note: str, width: int) -> list[str]:
    return textwrap.wrap(note, width, break_long_words=False, break_on_hyphens=False)


Lines = tuple[str, list[str], bool]
"""A heading with line breaks, the cells, whether they are numbers."""


def _lay_out(column: Column) -> Lines:
    cells = _texts(column)
    return _break(column.heading, max(NARROWEST, *map(len, cells))), cells, column.numeric


def _texts(column: Column) -> list[str]:
    """The cells; a source that is not all runs' stands beside its value."""
    texts = []
    for cell in column.cells:
        text = show(cell, exact=column.kind in SETTINGS)
        if column.kind != Kind.RUN:  # whose name has to be told from others
            text = _shorten(text)
        if text and cell.source and not column.source:
            text += f" ({cell.source})"
        texts.append(text)
    return texts


def _turn(columns: Sequence[Column]) -> list[Lines]:
    """A line for each column, under the runs' names."""
    names, *others = columns
    rows = [_texts(column) for column in others]
    turned: list[Lines] = [(names.name, [column.heading for column in others], False)]
    for number, name in enumerate(_texts(names)):
        cells = [row[number] for row in rows]
        turned.append((_break(name, max(NARROWEST, *map(len, cells))), cells, True))
    return turned


def _fit(columns: Sequence[Column], drawn: Sequence[Lines], width: int) -> list[Column]:
    """The columns that fit, the weightiest first."""
    metrics = [column.name for column in columns if column.kind == Kind.QUALITY]
    judge = headline(metrics) or next(iter(metrics), None)

    def rank(column: Column) -> tuple[int, bool, bool]:
        weight = 1 if column.name in ("name", judge) else WEIGHT[column.kind]
        partial = any(cell.value is None for cell in column.cells)
        return weight, partial, column.numeric  # so how it ended comes before the step

    widths = {c.name: _width([lines]) for c, lines in zip(columns, drawn, strict=True)}
    kept: list[Column] = []
    used = -GAP
    for column in sorted(columns, key=rank):
        if used + GAP + widths[column.name] <= width or not kept:
            kept.append(column)
            used += GAP + widths[column.name]
    return kept


def _width(drawn: Sequence[Lines]) -> int:
    texts = ([*heading.split("\n"), *cells] for heading, cells, _ in drawn)
    return sum(max(map(len, lines)) + GAP for lines in texts) - GAP


def _draw(drawn: Sequence[Lines]) -> str:
    """Headings, which end on the same line, a rule and the cells."""
    height = max(heading.count("\n") for heading, _, _ in drawn) + 1
    columns = []
    for heading, cells, numeric in drawn:
        head = heading.split("\n")
        lines = [""] * (height - len(head)) + head
        widest = max(map(len, [*lines, *cells]))
        lines += ["-" * widest, *cells]
        columns.append([text.rjust(widest) if numeric else text.ljust(widest) for text in lines])
    return "\n".join((" " * GAP).join(row).rstrip() for row in zip(*columns, strict=True))


def _break(heading: str, width: int) -> str:
    """In as many lines as it takes, ended at a sign or a space."""
    lines = [""]
    for piece in filter(None, re.findall(r"[^./_\- ]*[./_\- ]?", heading)):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.strip() for line in lines)


def show(cell: Cell, *, exact: bool = False) -> str:
    """A cell's value as text: floats to four digits, or as exactly as anyone would type them.

    Control characters, which may come from any file, become spaces.
    """
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, float) and exact:
        return f"{value:.10g}"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
