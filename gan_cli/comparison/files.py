"""The comparison as files."""

import csv
import io
from pathlib import Path

from gan_cli.comparison.table import Table
from gan_cli.errors import UserError

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet would compute."""


def to_csv(table: Table) -> str:
    """All columns, a line a run; numbers in full, text that looks like a formula behind a quote."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_tame(column.name) for column in table.columns)
    cells = (column.cells for column in table.columns)
    for row in zip(*cells, strict=True):
        writer.writerow("" if cell.value is None else _tame(cell.value) for cell in row)
    return text.getvalue()


def _tame(value: int | float | str) -> int | float | str:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write(path: Path, option: str, text: str) -> None:
    """Put `text` into a file, whose folder is made where missing.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace", newline="")
    except OSError as error:
        raise UserError(
            f"{option} {path}: cannot be written ({error.strerror}); choose another file"
        ) from error
