import csv
import io
import math

import pytest

from gan_cli.comparison.files import to_csv, write
from gan_cli.comparison.table import Cell, Column, Kind, Table
from gan_cli.errors import UserError


def test_csv_holds_everything_as_it_was():
    values = ['a "b", c\nd', 0.1 + 0.2, math.nan, None, 3, "\ud800"]
    columns = [Column(str(n), Kind.FURTHER, (Cell(v, "n=1"),)) for n, v in enumerate(values)]
    head, row = csv.reader(io.StringIO(to_csv(Table(tuple(columns)))))
    assert head == list("012345")
    assert row == ['a "b", c\nd', "0.30000000000000004", "nan", "", "3", "\ud800"]


def test_an_output_is_written_where_it_can_be(tmp_path):
    write(tmp_path / "new" / "runs.csv", "--csv", "a\n\ud800")
    assert (tmp_path / "new" / "runs.csv").read_text() == "a\n?"
    for path in (tmp_path, tmp_path / "new" / "runs.csv" / "x.csv"):
        with pytest.raises(UserError, match=f"--csv {path}: cannot be written .*; choose another"):
            write(path, "--csv", "")
