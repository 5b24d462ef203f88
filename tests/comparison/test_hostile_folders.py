"""Run folders that a stranger made: a table, or one line that names the file."""

import os
from pathlib import Path

import pytest

from gan_cli.comparison.columns import build_table
from gan_cli.comparison.files import to_csv
from gan_cli.comparison.page import to_page
from gan_cli.comparison.records import read_record
from gan_cli.comparison.table import Cell, Column, Kind, Table
from gan_cli.comparison.terminal import render
from gan_cli.errors import UserError
from tests.comparison.run_folders import write_run

HUGE = "1" + "0" * 400
TEN = ",".join(["*a{}"] * 10)
BOMB = "a0: &a0 [1]\n" + "".join(
    f"a{i}: &a{i} [{TEN.format(*[i - 1] * 10)}]\n" for i in range(1, 9)
)


def compare(folder: Path) -> str:
    """Everything that gan-compare makes of it and a run that is as it should be."""
    good = write_run(folder.parent / "good")
    records = [read_record(place, place.name) for place in (folder, good)]
    table = build_table(records).sort("run")
    for column in table.columns:
        table.sort(column.name)
    return render(table, 100) + to_csv(table) + to_page(table, records)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.yaml", "at: 2020-01-01\n2020-01-01: 2020-01-01 10:00:00\n"),
        ("config.yaml", "1: 2\nnull: 3\ntrue: 4\na: {1: 2, true: 3}\n"),
        ("config.yaml", "a: !!set {b, c}\nd: !!binary aGVsbG8=\n"),
        ("config.yaml", f"a: {HUGE}\nb: -{HUGE}\nc: 0x{'f' * 2000}\n"),
        ("config.yaml", "name: {a: 1}\ntricks: 5\n"),
        ("config.yaml", "name: [a]\ntricks: [1, {a: 2}]\n"),
        ("summary.json", f'{{"step": {HUGE}, "images_per_second": {HUGE}, "seconds": 1e999}}'),
        (
            "summary.json",
            f'{{"step": 2, "peak_memory_bytes": -{HUGE}, "metrics": []}}',
        ),
        (
            "summary.json",
            '{"step": "x", "reason": {}, "warnings": 5, "parameters": [], "versions": 1}',
        ),
        ("metrics.jsonl", f'{{"step": {HUGE}, "metric/fid": {HUGE}}}\n'),
        ("metrics.jsonl", '{"step": "x", "metric/fid": 1.0}\n{"step": [1], "metric/fid": 1.0}\n'),
        ("metrics.jsonl", '{"step": null, "metric/": true, "loss/\\ud800\\u0000": 3}\n'),
        ("evaluation.json", '{"step": [1], "metrics": [{"name": "fid", "value": "x", "n": {}}]}'),
        (".hydra/overrides.yaml", "- 1\n- {a: 1}\n- null\n"),
    ],
)
def test_odd_values_are_shown(tmp_path: Path, file: str, content: str) -> None:
    run = write_run(tmp_path / "odd", chosen=[])
    (run / file).write_text(content)
    assert "odd" in compare(run)


@pytest.mark.parametrize(
    "config",
    [
        *("a: 2026-13-45\n", "a: 0000-00-00\n", "a: 2001-12-14t21:59:43.10-99:99\n"),
        *("a: &a {b: *a}\n", "a: &a [*a]\n", "&a\nb: *a\n", BOMB, "a: " + "[" * 2000),
        *("a: !!int abc\n", "a: !!float abc\n", "a: " + "9" * 5000, "? [1]\n: 2\n"),
        "a: !!python/object/apply:os.system [id]\n",
    ],
    ids=lambda text: text[:12].strip(),
)
def test_a_config_that_is_none(tmp_path: Path, config: str) -> None:
    run = write_run(tmp_path / "odd")
    (run / "config.yaml").write_text(config)
    with pytest.raises(
        UserError, match=r"odd/config.yaml(:\d+)?: not YAML \(.*\); fix it"
    ) as error:
        compare(run)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "file", ["summary.json", "metrics.jsonl", "evaluation.json", ".hydra/overrides.yaml"]
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, file: str, kind: str) -> None:
    run = write_run(tmp_path / "odd", chosen=[])
    (run / file).unlink(missing_ok=True)
    os.mkfifo(run / file) if kind == "pipe" else (run / file).symlink_to("/dev/zero")
    with pytest.raises(UserError, match="is no file"):
        compare(run)


def test_pictures_that_are_no_files_are_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "odd")
    (run / "samples").mkdir(exist_ok=True)
    for name in ("curves.png", "neighbours.png", "samples/step-00000001.png"):
        os.mkfifo(run / name)
    record = read_record(run, "odd")
    assert (record.grids(), record.sheets()) == ({}, {})
    compare(run)


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    run = write_run(tmp_path / "odd")
    with (run / "metrics.jsonl").open("wb") as file:
        file.truncate(2**40)  # sparse: it takes no room
    with pytest.raises(UserError, match="has more than"):
        compare(run)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(sign: str) -> None:
    """A spreadsheet would run it; numbers stay numbers."""
    cells = (Cell(f"{sign}cmd|' /C calc'!A0"), Cell(-1.5))
    text = to_csv(Table((Column(f"{sign}1", Kind.FURTHER, cells),)))
    assert f"'{sign}1" in text
    assert f"'{sign}cmd" in text
    assert "\n-1.5\n" in text
