"""Sweeps: a folder per job, one failure does not stop the others."""

import json
from pathlib import Path

import pytest

from gan_cli.cli import app
from tests.conftest import NARROW, TINY, Command

SWEEP = ["-m", "hydra.sweep.dir=sweep", *TINY, *NARROW]


def test_each_job_has_its_own_folder(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "model=dcgan,wgan_gp", "seed=range(2)")
    assert result.code == 0, result.err
    jobs = sorted(Path("sweep").glob("*/summary.json"))
    assert [job.parent.name for job in jobs] == ["0", "1", "2", "3"]
    losses = [json.loads(job.read_text())["metrics"]["loss/G/adversarial"] for job in jobs]
    assert len(set(losses)) == 4


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
