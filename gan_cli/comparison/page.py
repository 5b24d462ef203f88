"""The comparison as one HTML page that needs no other file and no network."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gan_cli.comparison.pictures import first_size, sample_section
from gan_cli.comparison.records import Record
from gan_cli.comparison.svg import curve_section
from gan_cli.comparison.table import RESULTS, SETTINGS, Cell, Column, Kind, Table
from gan_cli.comparison.terminal import show
from gan_cli.metrics.values import headline

LONG = 20
"""Texts of more characters than this may be broken into lines."""
HERE = Path(__file__).parent
STYLE, SCRIPT = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
DIGEST = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    f"script-src 'sha256-{DIGEST}'; base-uri 'none'; form-action 'none'"
)
"""What the page may load: nothing that is not in it; and run: its own script, word for word."""
HINT = """<p>A star marks the best value of a column, where all were measured alike. Click a
heading to sort. Point at an underlined number to see what it was computed from.</p>"""
ZOOM = '<dialog id="zoom"><p></p></dialog>\n<div id="tip" hidden></div>'


def to_page(table: Table, records: Sequence[Record]) -> str:
    """The page: what matters most of each run, its samples, its curves, then all there is to know.

    Raises:
        UserError: an image cannot be read.
    """
    by_name = {record.name: record for record in records}
    names = table.columns[0].cells
    ordered = [by_name[str(cell.value)] for cell in names]
    quality = table.of(Kind.QUALITY)
    judge = headline([column.name for column in quality])
    first = [column for column in quality if column.name == judge] or quality[:1]
    others = [column for column in quality if column not in first]
    said = [_settings(table, row) for row in range(len(ordered))]
    count = f"{len(ordered)} {'run' if len(ordered) == 1 else 'runs'}"
    parts = [
        f"<h1>{count}</h1>",
        *_by_run(
            [
                *table.of(Kind.RUN, Kind.CHOICE),
                *first,
                *table.of(Kind.LOSS),
                *table.of(Kind.SPEED),
                *table.of(Kind.ENDING),
            ]
        ),
        HINT,
        *sample_section(ordered, said),
        *curve_section([r.name for r in ordered], said, [r.curves() for r in ordered]),
        *(["<h2>All other figures</h2>", *_by_column(names, others)] if others else ()),
        "<h2>What differs in the configs</h2>",
        *_by_column(names, table.of(*SETTINGS, Kind.DETAIL)),
        "<details><summary>All else that is known</summary>",
        *_by_column(names, table.of(Kind.FURTHER)),
        "</details>",
        ZOOM,
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en" style="--size: {first_size(len(ordered))}px">\n'
        '<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>gan-compare: {count}</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body>\n" + "\n".join(parts) + f"\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _by_run(columns: Sequence[Column]) -> Iterator[str]:
    """A row a run; the script sorts them."""
    yield '<div class="wide"><table class="runs"><thead><tr>'
    for column in columns:
        source = f"<br><small>{html.escape(column.source)}</small>" if column.source else ""
        align = ' class="number"' if column.numeric else ""
        first = f' data-first="{"down" if column.better == "higher" else "up"}"'
        yield f'<th scope="col"{align}{first}>{_escape(column.name)}{source}</th>'
    yield "</tr></thead><tbody>"
    best = [column.best for column in columns]
    for row, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        shown = (
            _td(cell, column, row in marked)
            for cell, column, marked in zip(cells[1:], columns[1:], best[1:], strict=True)
        )
        yield f"<tr>{_row_head(cells[0])}{''.join(shown)}</tr>"
    yield "</tbody></table></div>"


def _by_column(names: Sequence[Cell], columns: Sequence[Column]) -> Iterator[str]:
    """A row a column, for what has many of them."""
    if not columns:
        yield "<p>Nothing.</p>"
        return
    heads = "".join(f'<th scope="col">{_escape(show(name))}</th>' for name in names)
    yield f'<div class="wide"><table><thead><tr><th></th>{heads}</tr></thead><tbody>'
    for column in columns:
        best = column.best
        cells = "".join(_td(cell, column, row in best) for row, cell in enumerate(column.cells))
        yield f"<tr>{_row_head(Cell(column.heading))}{cells}</tr>"
    yield "</tbody></table></div>"


def _escape(text: str) -> str:
    """As HTML that may be broken into lines after signs: names here are long and have no spaces."""
    return re.sub(r"(?<=[./_])(?=\w)", "<wbr>", html.escape(text))


def _row_head(cell: Cell) -> str:
    return f'<th scope="row">{html.escape(str(cell.value))}</th>'


def _td(cell: Cell, column: Column, best: bool) -> str:
    text = show(cell, exact=column.kind not in RESULTS)
    style = "number"
    if isinstance(cell.value, str):
        style = "text" if len(text) > LONG else ""
    content = _escape(text) if style == "text" else html.escape(text)
    if best:
        content = f'<b title="best">★</b> {content}'
    if text and cell.source and not column.source:
        content += f"<br><small>{html.escape(cell.source)}</small>"
    title = f' title="{html.escape(cell.about)}"' if cell.about else ""
    value = "" if cell.value is None else f' data-value="{html.escape(str(cell.value))}"'
    return f'<td class="{style}{" best" if best else ""}"{title}{value}>{content}</td>'


def _settings(table: Table, row: int) -> str:
    """What was asked for in a run, `seed=1`."""
    found = [column for column in table.of(Kind.CHOICE) if column.cells[row].value is not None]
    return ", ".join(f"{column.name}={show(column.cells[row], exact=True)}" for column in found)
