import math

from gan_cli.comparison.table import Cell, Column, Kind, Table
from gan_cli.comparison.terminal import render, show


def column(name, kind, *values, source=""):
    return Column(name, kind, tuple(Cell(value, source) for value in values))


def table(runs, metrics):
    """A run's number, a setting, metrics and how it ended."""
    return Table(
        (
            column("run", Kind.RUN, *(str(n) for n in range(runs))),
            column("optimizer.lr", Kind.CHOICE, *(1e-5 * (n + 1) for n in range(runs))),
            *(
                column(f"figure_{f}", Kind.QUALITY, *(f + n / 7 for n in range(runs)), source="n=9")
                for f in range(metrics)
            ),
            column("ended", Kind.ENDING, *["finished"] * runs),
        )
    )


def test_a_line_a_run_where_all_fits():
    assert render(table(2, 2), 80).splitlines() == [
        "     optimizer.  figure_0  figure_1",
        "run          lr     (n=9)     (n=9)  ended",
        "---  ----------  --------  --------  --------",
        "0         1e-05         0         1  finished",
        "1         2e-05    0.1429     1.143  finished",
    ]


def test_a_line_a_column_where_that_fits():
    lines = render(table(2, 12), 40).splitlines()
    assert lines[0].split() == ["run", "0", "1"]
    assert lines[2].split() == ["optimizer.lr", "1e-05", "2e-05"]
    assert lines[3].split() == ["figure_0", "(n=9)", "0", "0.1429"]
    assert len(lines) == 2 + 14
    assert max(map(len, lines)) <= 40


def test_where_nothing_fits_what_matters_stays_and_the_rest_is_said():
    text = render(table(12, 12), 60)
    head, _, notes = text.partition("\n\n")
    assert max(map(len, text.splitlines())) <= 60
    assert len(head.splitlines()) == 2 + 1 + 12
    for kept in ("run", "optimizer.", "ended", "(n=9)"):
        assert kept in head
    assert "no room for figure_3, figure_4" in notes
    assert "figure_2" not in notes
    assert " ".join(notes.split()).endswith("figure_11; --csv and --html have all")


def test_the_figure_to_judge_by_is_kept_before_others():
    columns = table(12, 12).columns
    fid = column("fid", Kind.QUALITY, *range(12))
    head = render(Table((*columns[:-1], fid, columns[-1])), 40).partition("\n\n")[0]
    assert "fid" in head


def test_details_are_counted():
    details = column("model.generator.width", Kind.DETAIL, 8, None)
    text = render(Table((*table(2, 0).columns, details)), 100)
    assert text.endswith(
        "not shown: 1 config key that comes with those that differ; --csv and --html have all"
    )


def test_long_values_are_cut():
    columns = (
        column("run", Kind.RUN, 2 * "2026-01-31/12-00-00-"),
        column("data", Kind.SETTING, "dcgan.Generator"),
        column("ended", Kind.ENDING, "loss/D/adversarial is nan at step 133; see trainer.on_nan"),
    )
    assert render(Table(columns), 100).splitlines()[-1] == (
        "2026-01-31/12-00-00-2026-01-31/12-00-00-  dcgan.Generator  loss/D/adversarial is nan a..."
    )


def test_numbers_and_what_a_file_may_hold():
    assert [show(Cell(v)) for v in (0.123456, 1234.56, 12, math.nan, -math.inf, None)] == [
        *("0.1235", "1235", "12", "nan", "-inf", ""),
    ]
    assert show(Cell(0.00012345678), exact=True) == "0.00012345678"
    assert show(Cell(3 * 1e-5), exact=True) == "3e-05"
    assert show(Cell("a\n\tb\x1b[31m\ud800")) == "a b [31m"


def test_different_sources_stand_beside_their_values():
    cells = Cell(1.5, "n=10"), Cell(2.5, "n=20"), Cell()
    names = column("run", Kind.RUN, "a", "b", "c")
    lines = render(Table((names, Column("fid", Kind.QUALITY, cells))), 80).splitlines()
    assert lines[2:] == ["a    1.5 (n=10)", "b    2.5 (n=20)", "c"]
