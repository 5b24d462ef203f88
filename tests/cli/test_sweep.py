"""Sweeps: a folder per job, one failure does not stop the others."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from gan_cli.cli.overrides import swept_keys
from gan_cli.engine.trainer import Trainer
from gan_cli.sinks.checkpoint import load_newest
from tests.cli.commands import snapshot
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
    result = gan_train(*SWEEP, "optimizer.lr=1e-4,1e30,2e-4,1e31")
    assert result.code == 1
    assert len(result.problems) == 2, result.err
    assert result.problems[0].startswith("gan-train: job 1 (optimizer.lr=1e+30): loss/")
    assert "not finite" in result.problems[0]
    assert result.problems[1].startswith("gan-train: job 3 (optimizer.lr=1e+31): loss/")
    reasons = [json.loads(p.read_text())["reason"] for p in sorted(Path("sweep").glob("*/*.json"))]
    assert [reason == "finished" for reason in reasons] == [True, False, True, False]


@pytest.mark.parametrize(
    ("varied", "said"),
    [
        ("optimizer.lr=1e-4,-1", "job 1 (optimizer.lr=-1): optimizer.lr=-1: should be greater"),
        ("seed=0,${nope}", "seed: Interpolation key 'nope' not found"),
        ("data.image_size=16,30", "choose one of 28, 32"),
        ("trainer.device=cpu,warp", "trainer.device=warp: not available here"),
        ("tricks=[],[gradient_penalty]", "BatchNorm in D mixes images"),
        ("data=digits,digit_outlines", "job 0 (data=digits): data: Pix2Pix needs a field `source`"),
        ("optimizer.generator.lr=1e-4,-1", "job 1 (optimizer.generator.lr=-1): optimizer"),
    ],
)
def test_one_job_that_cannot_be_is_said_before_the_first_starts(
    gan_train: Command, varied: str, said: str
) -> None:
    before = snapshot(Path())
    model = "pix2pix" if "outlines" in varied else "dcgan"
    result = gan_train(*SWEEP, f"model={model}", varied)
    assert result.code == 2
    assert said in result.err
    assert result.problems[-1] == "gan-train: no job was started"
    assert snapshot(Path()) == before


def test_a_sweep_over_a_wrong_name_begins_nothing(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "model=dcgan,nope")
    assert result.code == 2
    assert "model=nope: no such model" in result.err
    assert not list(Path("sweep").glob("*/summary.json"))


def test_a_stopped_job_stops_the_sweep(gan_train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real SIGTERM in the second of four jobs: it is saved, and the others are listed."""
    played = Trainer.play

    def play(trainer: Trainer) -> Any:
        if trainer.seed == 1 and trainer.step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return played(trainer)

    monkeypatch.setattr(Trainer, "play", play)
    result = gan_train(*SWEEP, "seed=range(4)")
    assert result.code == 143
    assert result.problems == [
        "gan-train: stopped by SIGTERM",
        "resume with: gan-train resume=sweep/1",
        "not run: job 2 (seed=2)",
        "not run: job 3 (seed=3)",
    ]
    reasons = [json.loads(p.read_text())["reason"] for p in sorted(Path("sweep").glob("*/*.json"))]
    assert reasons == ["finished", "SIGTERM"]
    assert load_newest(Path("sweep/1"))[1]["state"]["step"] == 2


def test_a_sweep_over_one_players_rate(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "optimizer.generator.lr=1e-3,2e-3")
    assert result.code == 0, result.err
    jobs = sorted(Path("sweep").glob("*/summary.json"))
    rates = [json.loads(job.read_text())["metrics"]["lr/G"] for job in jobs]
    assert rates == [0.001, 0.002]
