import math

import pytest

from gan_cli.comparison.table import Cell, Column, Kind, Table
from gan_cli.errors import UserError


def build(*values):
    names = Column("run", Kind.RUN, tuple(Cell(f"job {n}") for n in range(len(values))))
    return Table((names, Column("fid", Kind.QUALITY, tuple(map(Cell, values)))))


def order(table):
    return [cell.value for cell in table.columns[0].cells]


def test_numbers_upwards_then_text_nan_and_nothing():
    table = build(None, math.nan, "broken", 10, -math.inf, 9.5).sort("fid")
    assert order(table) == ["job 4", "job 5", "job 3", "job 2", "job 1", "job 0"]


def test_equals_stay_in_order_and_text_is_ordered_naturally():
    assert order(build(1, 0, 1, 0).sort("fid")) == ["job 1", "job 3", "job 0", "job 2"]
    table = build(*range(11)).sort("run")
    assert order(table) == [f"job {n}" for n in range(11)]


def test_an_unknown_column():
    with pytest.raises(UserError, match=r"--sort fdi: no such column; did you mean fid\?"):
        build(1).sort("fdi")


def test_a_source_is_in_the_heading_where_all_values_share_it():
    cells = Cell(1.0, "n=10"), Cell(), Cell(2.0, "n=10")
    assert Column("fid", Kind.QUALITY, cells).heading == "fid (n=10)"
    assert Column("fid", Kind.QUALITY, (*cells, Cell(3.0, "n=20"))).heading == "fid"
    assert Column("fid", Kind.QUALITY, (*cells, Cell(3.0))).heading == "fid"
