"""The comparison as one HTML page that needs no other file and no network."""

import base64
import html
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gan_cli.comparison.reading import read_bytes
from gan_cli.comparison.records import Record
from gan_cli.comparison.table import RESULTS, SETTINGS, Cell, Column, Kind, Table
from gan_cli.comparison.terminal import show

SECTIONS = {"samples": "Samples", "curves.png": "Curves", "training.gif": "Training"}
SMALL = 256
"""Images narrower than this are shown twice as large, pixel by pixel."""
MEASURED = (Kind.QUALITY, Kind.LOSS, Kind.SPEED)
LONG = 20
"""Texts of more characters than this may be broken into lines."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load: nothing that is not in it."""

HINT = "<p>Point at an underlined number to see what it was computed from.</p>"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #22303c; background: #fafbfc;
  margin: 2rem auto; max-width: 100rem; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .8rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p, figcaption span { color: #64748b; }
.wide { overflow-x: auto; background: #fff; border: 1px solid #e2e8f0; border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: .87rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .6rem; text-align: left; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid #edf1f5; }
td.text { white-space: normal; min-width: 8rem; max-width: 26rem; overflow-wrap: break-word; }
tr:last-child > * { border-bottom: 0; }
thead th { color: #475569; background: #f4f6f9; font-weight: 600; vertical-align: bottom;
  white-space: normal; }
th[scope=row] { position: sticky; left: 0; background: #fff; font-weight: 600; }
tbody tr:hover > * { background: #f4f8ff; }
td.number, th.number { text-align: right; }
td[title], th[title] { text-decoration: underline dotted #94a3b8; text-underline-offset: 3px; }
small { color: #64748b; font-weight: 400; }
summary { cursor: pointer; color: #475569; margin: 2rem 0 .6rem; font-weight: 600; }
.side { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-start; }
figure { margin: 0; padding: .8rem; background: #fff; border: 1px solid #e2e8f0;
  border-radius: 8px; min-width: 14rem; max-width: min(100%, 41rem); box-sizing: border-box; }
figure img { display: block; max-width: 100%; border-radius: 4px; }
figure img.small { image-rendering: pixelated; }
figcaption { margin-bottom: .5rem; font-size: .87rem; width: 0; min-width: 100%; }
figcaption span { display: block; }
"""


def to_page(table: Table, records: Sequence[Record]) -> str:
    """The page: tables first, then the runs' images side by side, in the table's order.

    Raises:
        UserError: an image cannot be read.
    """
    by_name = {record.name: record for record in records}
    names = table.columns[0].cells
    ordered = [by_name[str(cell.value)] for cell in names]
    parts = [
        f"<h1>{len(ordered)} {'run' if len(ordered) == 1 else 'runs'}</h1>",
        # how it ended comes early: what stands to the right may take scrolling
        *_by_run([*table.of(Kind.RUN, Kind.CHOICE), *table.of(Kind.ENDING), *table.of(*MEASURED)]),
        HINT if table.of(Kind.QUALITY) else "",
        "<h2>What differs in the configs</h2>",
        *_by_column(names, table.of(*SETTINGS, Kind.DETAIL), "Nothing."),
        *_pictures(table, ordered),
        "<details><summary>All else that is known</summary>",
        *_by_column(names, table.of(Kind.FURTHER), "Nothing."),
        "</details>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>gan-compare: {len(ordered)} runs</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _by_run(columns: Sequence[Column]) -> Iterator[str]:
    """A row a run."""
    yield '<div class="wide"><table><thead><tr>'
    for column in columns:
        source = f"<br><small>{html.escape(column.source)}</small>" if column.source else ""
        align = ' class="number"' if column.numeric else ""
        yield f'<th scope="col"{align}>{_escape(column.name)}{source}</th>'
    yield "</tr></thead><tbody>"
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = (_td(cell, column) for cell, column in zip(row[1:], columns[1:], strict=True))
        yield f"<tr>{_row_head(row[0])}{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _by_column(names: Sequence[Cell], columns: Sequence[Column], otherwise: str) -> Iterator[str]:
    """A row a column, for what has many of them."""
    if not columns:
        yield f"<p>{otherwise}</p>"
        return
    heads = "".join(f'<th scope="col">{_escape(show(name))}</th>' for name in names)
    yield f'<div class="wide"><table><thead><tr><th></th>{heads}</tr></thead><tbody>'
    for column in columns:
        cells = "".join(_td(cell, column) for cell in column.cells)
        yield f"<tr>{_row_head(Cell(column.heading))}{cells}</tr>"
    yield "</tbody></table></div>"


def _escape(text: str) -> str:
    """As HTML that may be broken into lines after signs: names here are long and have no spaces."""
    return re.sub(r"(?<=[./_])(?=\w)", "<wbr>", html.escape(text))


def _row_head(cell: Cell) -> str:
    return f'<th scope="row">{html.escape(str(cell.value))}</th>'


def _td(cell: Cell, column: Column) -> str:
    text = show(cell, exact=column.kind not in RESULTS)
    style = "number"
    if isinstance(cell.value, str):
        style = "text" if len(text) > LONG else ""
    content = _escape(text) if style == "text" else html.escape(text)
    if text and cell.source and not column.source:
        content += f"<br><small>{html.escape(cell.source)}</small>"
    title = f' title="{html.escape(cell.about)}"' if cell.about else ""
    return f'<td class="{style}"{title}>{content}</td>'


def _pictures(table: Table, records: Sequence[Record]) -> Iterator[str]:
    found = [record.pictures() for record in records]
    for kind, heading in SECTIONS.items():
        if not any(kind in pictures for pictures in found):
            continue
        yield f'<h2>{heading}</h2>\n<div class="side">'
        for row, (record, pictures) in enumerate(zip(records, found, strict=True)):
            image = _image(pictures[kind]) if kind in pictures else "<p>none</p>"
            file = f"<span>{html.escape(pictures[kind].name)}</span>" if kind in pictures else ""
            settings = ", ".join(_settings(table, row))
            yield (
                f"<figure><figcaption><b>{html.escape(record.name)}</b>"
                f"<span>{html.escape(settings)}</span>{file}</figcaption>{image}</figure>"
            )
        yield "</div>"


def _settings(table: Table, row: int) -> Iterable[str]:
    for column in table.of(Kind.CHOICE):
        if column.cells[row].value is not None:
            yield f"{column.name}={show(column.cells[row], exact=True)}"


def _image(path: Path) -> str:
    content = read_bytes(path)
    kind = "gif" if path.suffix == ".gif" else "png"
    width = _width(content)
    size = f' class="small" width="{2 * width}"' if 0 < width < SMALL else ""
    data = base64.b64encode(content).decode("ascii")
    return f'<img{size} alt="{html.escape(path.name)}" src="data:image/{kind};base64,{data}">'


def _width(content: bytes) -> int:
    """Of a PNG or GIF, in pixels; 0 where it is neither."""
    if content.startswith(b"\x89PNG") and len(content) >= 24:
        return int(struct.unpack(">I", content[16:20])[0])
    if content.startswith(b"GIF8") and len(content) >= 10:
        return int(struct.unpack("<H", content[6:8])[0])
    return 0
