"""Sweeps: a folder per job, one failure does not stop the others."""

import json
from pathlib import Path

import pytest

from gan_cli.cli import app
from gan_cli.cli.overrides import swept_keys
from tests.conftest import NARROW, TINY, Command

SWEEP = ["-m", "hydra.sweep.dir=sweep", *TINY, *NARROW]


def test_each_job_has_its_own_folder(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "model=dcgan,wgan_gp", "seed=range(2)")
    assert result.code == 0, result.err
    jobs = sorted(Path("sweep").glob("*/summary.json"))
    assert [job.parent.name for job in jobs] == ["0", "1", "2", "3"]
    losses = [json.loads(job.read_text())["metrics"]["loss/G/adversarial"] for job in jobs]
    assert len(set(losses)) == 4


def test_tensorboard_calls_each_job_by_what_was_swept(gan_train: Command) -> None:
    assert gan_train(*SWEEP, "model=dcgan", "optimizer.lr=1e-3", "loss=hinge,minimax").code == 0
    runs = [path.parent for path in sorted(Path("sweep").rglob("events.out.tfevents.*"))]
    assert [str(run) for run in runs] == [
        f"sweep/{job}/tensorboard/dcgan-digits loss={loss}"
        for job, loss in enumerate(("hinge", "minimax"))
    ]
    assert gan_train("resume=sweep/0", "trainer.steps=6").code == 0
    events = list(Path("sweep/0").rglob("events.out.tfevents.*"))
    assert len(events) == 2
    assert {event.parent for event in events} == {runs[0]}


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (
            "hydra: {overrides: {task: ['a=1,2', b=3, 'c=range(3)', '+d.e=choice(x,y)', '=']}}",
            [],
        ),
        (
            "hydra:\n  overrides: {task: ['a=1,2', b=3, 'c=range(3)', '++d.e=choice(x,y)', '=']}\n"
            "  sweeper: {params: {f: '1,2', a: '1'}}",
            ["a", "c", "d.e", "f"],
        ),
        ("hydra: {overrides: {task: ['a=1,2']}, sweeper: {}}", ["a"]),
        ("hydra: 3", []),
        ("- 1", []),
        ("{", []),
    ],
)
def test_what_a_sweep_varies(tmp_path: Path, content: str, keys: list[str]) -> None:
    (tmp_path / "multirun.yaml").write_text(content)
    assert swept_keys(tmp_path / "multirun.yaml") == keys
    assert swept_keys(tmp_path / "none.yaml") == []


def test_the_chosen_scalar_goes_back_to_hydra(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gan_cli.cli import train

    returned = []

    def noted(config, saved=None, original=train.run_job):  # type: ignore[no-untyped-def]
        returned.append(original(config, saved))
        return returned[-1]

    monkeypatch.setattr(train, "run_job", noted)
    gan_train(*SWEEP, "trainer.returns=score/real", "seed=0,1")
    jobs = sorted(Path("sweep").glob("*/summary.json"))
    assert returned == [json.loads(job.read_text())["metrics"]["score/real"] for job in jobs]


def test_a_failed_job_is_told_and_the_others_run(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "optimizer.lr=1e-4,-1,2e-4,0")
    assert result.code == 2
    assert len(result.problems) == 2, result.err
    assert "job 1" in result.problems[0]
    assert "optimizer.lr=-1" in result.problems[0]
    assert "job 3" in result.problems[1]
    assert len(list(Path("sweep").glob("*/summary.json"))) == 2


def test_a_sweep_over_a_wrong_name_begins_nothing(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "model=dcgan,nope")
    assert result.code == 2
    assert "model=nope: no such model" in result.err
    assert not list(Path("sweep").glob("*/summary.json"))


def test_a_stopped_job_stops_the_sweep(gan_train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM ends the job after saving; no other is begun."""
    from gan_cli.cli import train

    def stopped(config, saved=None):  # type: ignore[no-untyped-def]
        raise app.Stopped("SIGTERM")

    monkeypatch.setattr(train, "run_job", stopped)
    assert gan_train(*SWEEP, "seed=0,1").code == 143


def test_a_sweep_over_one_players_rate(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "optimizer.generator.lr=1e-3,2e-3,-1")
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert "job 2" in result.problems[0]
    assert "+" not in result.problems[0]
    jobs = sorted(Path("sweep").glob("*/summary.json"))
    rates = [json.loads(job.read_text())["metrics"]["lr/G"] for job in jobs]
    assert rates == [0.001, 0.002]
