"""What a sweep's folder says of jobs that nobody has to train for it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from gan_cli.cli.book import Book, Job, Status, ending, record, refuse_other
from gan_cli.cli.closing import close, closing_lines
from gan_cli.cli.process import Stopped, notes
from gan_cli.errors import UserError
from tests.comparison.run_folders import write_run


def end(number: int, reason: str | None, **returns: Any) -> Job:
    """A job that ended so, in its folder."""
    folder = Path("sweep", str(number))
    write_run(folder, summary={"reason": reason, "step": 9, "returns": returns})
    return Job(number, (f"seed={number}",), str(number))


@pytest.mark.parametrize(
    ("summary", "status"),
    [
        ('{"reason": "finished", "step": 3}', Status.FINISHED),
        ('{"reason": "SIGTERM"}', Status.STOPPED),
        ('{"reason": "SIGINT"}', Status.STOPPED),
        ('{"reason": "stopped at once"}', Status.STOPPED),
        ('{"reason": "pruned: behind the median"}', Status.PRUNED),
        ('{"reason": "loss/D is not finite"}', Status.FAILED),
        ('{"reason": "running"}', Status.UNENDED),
        ('{"rea', Status.UNENDED),
        ("[]", Status.UNENDED),
        (None, Status.UNENDED),
    ],
)
def test_how_a_job_ended(tmp_path: Path, summary: str | None, status: Status) -> None:
    assert ending(tmp_path / "none").status == Status.MISSING
    (tmp_path / "config.yaml").touch()
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)
    assert ending(tmp_path).status == status


def test_a_failure_is_added_to_what_the_run_said(tmp_path: Path) -> None:
    record(tmp_path / "new", "no data\nno room")
    assert ending(tmp_path / "new").reason == "no data\nno room"
    (tmp_path / "summary.json").write_text('{"reason": "running", "step": 7}')
    record(tmp_path, "killed by SIGKILL")
    said = json.loads((tmp_path / "summary.json").read_text())
    assert said == {"reason": "killed by SIGKILL", "step": 7}


def test_the_book_is_read_off_the_folders() -> None:
    book = Book(Path("sweep"))
    jobs = [end(0, "finished", **{"metric/fid": 3.0}), Job(1, ("seed=1",), "1")]
    book.enter(jobs)
    assert not Book(Path("other")).begun
    assert book.begun
    end(1, "no room")
    book.enter([Job(2, ("seed=2",), "2")])
    assert json.loads(book.path.read_text()) == {
        "jobs": [
            {
                "job": 0,
                "folder": "0",
                "overrides": ["seed=0"],
                "status": "finished",
                "returns": {"metric/fid": 3.0},
            },
            {
                "job": 1,
                "folder": "1",
                "overrides": ["seed=1"],
                "status": "failed",
                "reason": "no room",
            },
            {"job": 2, "folder": "2", "overrides": ["seed=2"], "status": "missing"},
        ]
    }
    assert [job.number for job in Book(Path("sweep")).jobs] == [0, 1, 2]
    book.path.write_text('{"jobs": [3]}')
    assert book.jobs == []
    book.enter(jobs)
    assert len(book.jobs) == 2


def test_whose_run_a_folder_holds(tmp_path: Path) -> None:
    refuse_other(tmp_path, ["seed=0"])
    notes = tmp_path / ".hydra" / "overrides.yaml"
    notes.parent.mkdir()
    for content in ("- seed=0\n", "{", "3", ""):
        notes.write_text(content)
        refuse_other(tmp_path, ["seed=0"])
    notes.write_text("[]")
    with pytest.raises(UserError, match=r"a run of its own .no overrides., not this job's"):
        refuse_other(tmp_path, ["seed=0"])


@pytest.mark.parametrize(
    ("scalar", "values", "sweeper", "said"),
    [
        ("metric/fid", [3.0, 2.0, 4.0], "", "best: job 1 (seed=1), metric/fid 2"),
        ("metric/mode_overlap", [0.3, 0.2, 0.4], "", "best: job 2 (seed=2), metric/mode_overlap"),
        ("metric/fid", [3.0, 2.0, 4.0], "maximize", "best: job 1 (seed=1), metric/fid 2"),
        ("metric/odd", [3.0, 2.0, 4.0], "", "lowest: job 1 (seed=1), metric/odd 2"),
        ("score/real", [3.0, 2.0, 4.0], "maximize", "highest: job 2 (seed=2), score/real 4"),
        ("loss/G/adversarial", [math.nan, 2.0, 1.0], "", "lowest: job 2 (seed=2), loss/G/adv"),
        ("metric/fid", [math.nan, None, math.inf], "", ""),
    ],
)
def test_which_is_the_best(
    scalar: str, values: list[float | None], sweeper: str, said: str
) -> None:
    book = Book(Path("sweep"))
    jobs = [end(n, "finished", **{scalar: value}) for n, value in enumerate(values)]
    book.enter(
        [
            *jobs,
            end(3, "pruned: mode collapse", **{scalar: 0.0}),
            end(4, "no room"),
            end(5, "SIGTERM"),
        ]
    )
    Path("sweep/multirun.yaml").write_text(f"hydra: {{sweeper: {{direction: '{sweeper}'}}}}")
    lines = closing_lines(book)
    found = [line for line in lines if line.startswith(("best", "lowest", "highest"))]
    assert len(found) == bool(said)
    assert all(line.startswith(said) for line in found)
    assert "6 jobs in sweep: 3 finished, 1 pruned, 1 failed, 1 stopped" in lines


def test_what_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a sweep that came to its end, also a job that somebody stopped by itself."""
    jobs = [end(0, "no data\nno room"), end(1, "SIGTERM"), end(2, "running"), end(3, "finished")]
    Book(Path("sweep")).enter(jobs)
    said = [(label, str(failure)) for label, failure in close(Path("sweep"), jobs, None)]
    assert said == [
        ("job 0 (seed=0): ", "no data"),
        ("job 0 (seed=0): ", "no room"),
        ("job 1 (seed=1): ", "stopped: SIGTERM"),
        ("job 2 (seed=2): ", "running or killed"),
    ]
    assert "4 jobs in sweep: 1 finished, 1 failed, 1 stopped" in capsys.readouterr().out
    stopped = Stopped("SIGTERM")
    assert len(close(Path("sweep"), [*jobs, Job(4, ("seed=4",), "4")], stopped)) == 2
    assert notes(stopped)[0] == "not run: job 4 (seed=4)"
    assert close(None, [], stopped) == []
