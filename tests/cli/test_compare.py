import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan_cli.comparison.folders import find_runs
from tests.comparison.run_folders import add_grid, config, evaluation, summary, write_run
from tests.conftest import NARROW, REPOSITORY, TINY, Command


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Eleven jobs by hand, the last one still running."""
    folder = tmp_path / "sweep"
    for job in range(11):
        write_run(
            folder / str(job),
            config=config(seed=job, lr=1e-4 * (job + 1)),
            reports=[{"step": 50, "loss/D/adversarial": 2.0}],
            summary=None
            if job == 10
            else summary(metrics={"loss/D/adversarial": 10 - job}, images_per_second=job),
            evaluation=None if job == 3 else evaluation(fid=float("nan") if job == 5 else 30 - job),
            chosen=[f"seed={job}", f"optimizer.lr={1e-4 * (job + 1)}"],
        )
    add_grid(folder / "4", 100)
    return folder


def test_real_runs(gan_train: Command, gan_compare: Command, tmp_path: Path) -> None:
    sweep = ["-m", "model=dcgan,lsgan", *TINY, *NARROW, "hydra.sweep.dir=sweep"]
    assert gan_train(*sweep).code == 0
    result = gan_compare("sweep", "--csv", "runs.csv", "--html", "out/runs.html")
    assert result.code == 0, result.err
    for shown in ("dcgan-digits", "lsgan-digits", "finished", "images_", "written to runs.csv"):
        assert shown in result.out
    assert max(map(len, result.out.splitlines())) <= 100
    found = rows(tmp_path / "runs.csv")
    assert [(row["run"], row["name"], row["step"]) for row in found] == [
        ("0", "dcgan-digits", "4"),
        ("1", "lsgan-digits", "4"),
    ]
    assert {row["loss"] for row in found} == {"NonSaturating", "LeastSquares"}
    for row in found:
        assert float(row["loss/G/adversarial"])
        assert float(row["images_per_second"]) > 0
        assert row["ended"] == "finished"
    page = (tmp_path / "out" / "runs.html").read_text()
    # of each: a grid at the beginning and at the end, and two other sheets
    assert page.count("data:image/png;base64,iVBOR") == 8
    # of a single run there is nothing to compare, and all to show
    assert gan_compare("sweep/0").code == 0


def test_a_sweeps_folder(gan_compare: Command, sweep: Path, tmp_path: Path) -> None:
    result = gan_compare(str(sweep), "--csv", "runs.csv")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("---")) + 1
    assert [line.split()[0] for line in lines[first : first + 11]] == [str(n) for n in range(11)]
    assert "running or killed" in lines[first + 10]
    found = rows(tmp_path / "runs.csv")
    assert [row["run"] for row in found] == [str(n) for n in range(11)]
    assert found[2]["optimizer.lr"] == repr(1e-4 * 3)
    assert "optimizer.generator.lr" not in found[0]
    assert (found[3]["fid"], found[5]["fid"], found[6]["fid.n"]) == ("", "nan", "1000")


def test_sorting(gan_compare: Command, sweep: Path, tmp_path: Path) -> None:
    for column, order in (
        ("fid", "10 9 8 7 6 4 2 1 0 5 3"),  # NaN and nothing come last
        ("loss/D/adversarial", "9 8 10 7 6 5 4 3 2 1 0"),
        ("run", "0 1 2 3 4 5 6 7 8 9 10"),
        ("images_per_second", "9 8 7 6 5 4 3 2 1 0 10"),  # the fastest first
    ):
        assert gan_compare(str(sweep), "--sort", column, "--csv", "runs.csv").code == 0
        assert [row["run"] for row in rows(tmp_path / "runs.csv")] == order.split()


def test_csv_on_stdout_and_nothing_else(gan_compare: Command, sweep: Path, tmp_path: Path) -> None:
    result = gan_compare(str(sweep), "--csv", "-", "--html", "out.html", "--sort", "fid")
    assert (result.code, result.err) == (0, "")
    assert gan_compare(str(sweep), "--csv", "runs.csv", "--sort", "fid").code == 0
    assert result.out == (tmp_path / "runs.csv").read_text()
    assert (tmp_path / "out.html").is_file()
    assert not (tmp_path / "-").exists()


def test_mistakes_cost_one_line(gan_compare: Command, sweep: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    broken = write_run(tmp_path / "broken")
    (broken / "summary.json").write_text('{"step": 1')
    run = str(sweep / "0")
    for arguments, said in (
        ([], "the following arguments are required: RUN; see gan-compare --help"),
        ([run, "--stor", "fid"], "unrecognized arguments: --stor fid"),
        ([run, "--csv"], "argument --csv: expected one argument"),
        (["nowhere"], "nowhere: no such folder; give"),
        ([run, "empty"], "empty: holds no run"),
        ([str(sweep / "0" / "config.yaml")], "config.yaml: is a file; give"),
        ([run, "broken"], "broken/summary.json:1: not JSON; fix or delete"),
        ([run, "--sort", "losses/D/adversarial"], "did you mean loss/D/adversarial?"),
        ([run, "--csv", "empty"], "--csv empty: cannot be written (Is a directory); choose"),
        ([run, "--html", f"{run}/config.yaml/x.html"], "x.html: cannot be written"),
    ):
        result = gan_compare(*arguments)
        assert result.code == 2, arguments
        assert result.out == ""
        assert len(result.problems) == 1, result.err
        assert result.problems[0].startswith("gan-compare: ")
        assert said in result.problems[0]


def run(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    program = (
        f"from gan_cli.cli.compare import main\ntry:\n    main()\nfinally:\n    {code or 'pass'}"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("wanted", ["--help", "sweep"])
def test_it_answers_at_once(sweep: Path, tmp_path: Path, wanted: str) -> None:
    code = "import sys; print(sorted({'torch', 'hydra', 'omegaconf'} & set(sys.modules)))"
    done = run(wanted, code=code)
    assert done.returncode == 0, done.stderr
    assert "--sort COLUMN" in done.stdout or "optimizer." in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("wanted", ["--help", "sweep"])
def test_a_reader_that_goes_away_is_no_error(sweep: Path, wanted: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "from gan_cli.cli.compare import main; main()"
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-c", program, wanted],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": ""},
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_knows_ascii_only(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep.rename(sweep.parent / "größe")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run("größe/0", "--csv", "größe.csv")
    assert done.returncode == 0, done.stderr
    assert "written to gr??e.csv" in done.stdout
    assert len(find_runs([Path("größe")])) == 11
