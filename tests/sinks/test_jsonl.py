"""metrics.jsonl: what is kept of it, however broken it is."""

import json
from pathlib import Path

import pytest

from gan_cli.errors import UserError
from gan_cli.sinks.jsonl import JsonLines, read_reports
from tests.sinks.fake_runs import a_run

GOOD = [{"step": 1, "seconds": 0.5, "loss/D": 1.0}, {"step": 2, "seconds": 70.5, "loss/D": 2.0}]
BROKEN = [
    b'{"step": 2, "seco',  # cut short by a kill
    b"\xff\xfe\x00{",
    b'{"step": 2, "name": "\xe9"}',
    b"",
    b"[1, 2]",
    b"3",
    b"null",
    b'"step"',
    b"[" * 100_000,
    b"9" * 10_000,
    b'{"loss/D": 1.0}',
    b'{"step": "2"}',
    b'{"step": null}',
    b'{"step": true}',
    b'{"step": NaN}',
    b'{"step": -Infinity}',
    b'{"step": 1' + b"0" * 400 + b"}",
]


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def encoded(*reports: dict[str, float]) -> list[bytes]:
    return [json.dumps(report).encode() for report in reports]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda line: str(line[:20]))
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_line_is_dropped(tmp_path: Path, broken: bytes, place: int) -> None:
    lines = encoded(*GOOD)
    path = write(tmp_path / "m", *lines[:place], broken, *lines[place:])
    assert read_reports(path, 2) == GOOD
    JsonLines(path, step=2)
    assert path.read_bytes().splitlines() == lines


def test_a_run_goes_on_below_a_tail_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"\n".join([*encoded(*GOOD), b'{"step": 3, "lo']))
    sink = JsonLines(path, step=2)
    run = a_run(3, {"loss/D": 3.0})
    run.images = 48
    sink.write(run)
    last = read_reports(path, 9)[-1]
    assert (last["step"], last["images"], last["loss/D"]) == (3, 48, 3.0)
    assert last["seconds"] >= 70.5  # of the whole run


@pytest.mark.parametrize(
    "seconds", ["", ', "seconds": "x"', ', "seconds": null', ', "seconds": NaN']
)
def test_a_line_without_seconds(tmp_path: Path, seconds: str) -> None:
    """The line stays, and the time goes on from the last one known."""
    odd = f'{{"step": 3{seconds}}}'.encode()
    path = write(tmp_path / "m", *encoded(*GOOD), odd)
    sink = JsonLines(path, step=3)
    assert path.read_bytes().splitlines()[-1] == odd
    run = a_run(4, {})
    run.images = 64
    sink.write(run)
    assert read_reports(path, 9)[-1]["seconds"] >= 70.5


def test_values_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    line = b'{"step": 1, "a": "x", "b": [1], "c": NaN, "d": true, "e": -Infinity, "f": 2}'
    (report,) = read_reports(write(tmp_path / "m", line), 1)
    assert report.keys() == {"step", "c", "e", "f"}


def test_lines_of_a_part_that_was_given_up_are_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "m", *encoded(*GOOD))
    JsonLines(path, step=1)
    assert read_reports(path, 9) == GOOD[:1]


def test_without_a_file(tmp_path: Path) -> None:
    assert read_reports(tmp_path / "m", 9) == []


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(UserError, match="move it out of the way"):
        read_reports(tmp_path / "m", 9)
    with pytest.raises(UserError, match="move it out of the way"):
        JsonLines(tmp_path / "m", 0)
