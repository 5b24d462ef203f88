import math
from dataclasses import replace

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


def test_the_best_comes_first():
    values = 2.0, math.nan, None, 3.0, 1.0
    for better, order_ in (("lower", "job 4"), ("higher", "job 3"), (None, "job 4")):
        names, column = build(*values).columns
        table = Table((names, replace(column, better=better))).sort("fid")
        assert order(table)[0] == order_
        assert order(table)[-2:] == ["job 1", "job 2"]


@pytest.mark.parametrize(
    ("better", "cells", "best"),
    [
        ("lower", (2.0, 1.0, 1.0, None, math.nan), {1, 2}),
        ("higher", (2.0, 1, "x"), {0}),
        (None, (2.0, 1.0), set()),
        ("lower", (1.0, 1.0), set()),
        ("lower", (1.0,), set()),
        ("lower", (math.inf, 1.0, 2.0), {1}),
    ],
)
def test_the_best_of_a_column(better, cells, best):
    assert Column("x", Kind.QUALITY, tuple(map(Cell, cells)), better).best == best


def test_what_was_measured_otherwise_is_no_better():
    few, many, old = Cell(1.0, "n=10"), Cell(2.0, "n=20, step 5"), Cell(3.0, "n=20, in training")
    assert Column("x", Kind.QUALITY, (few, many), "lower").best == set()
    assert Column("x", Kind.QUALITY, (many, old), "lower").best == {0}


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
