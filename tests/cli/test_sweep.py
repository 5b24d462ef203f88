"""Sweeps: a folder per job, one failure does not stop the others."""

import json
import math
import os
import pickle
import signal
from pathlib import Path
from typing import Any, ClassVar

import cloudpickle
import pytest
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

from gan_cli.cli.overrides import swept_keys
from gan_cli.cli.swept import worst
from gan_cli.engine.trainer import Trainer
from gan_cli.sinks.checkpoint import load_newest
from tests.cli.commands import SHORT, snapshot
from tests.conftest import Command

SWEEP = ["-m", "hydra.sweep.dir=sweep", *SHORT]
PLUGINS: dict[str, Any] = Plugins.instance().class_name_to_class  # type: ignore[assignment]
BASIC = "hydra._internal.core_plugins.basic_"
BasicSweeper = PLUGINS[f"{BASIC}sweeper.BasicSweeper"]
BasicLauncher = PLUGINS[f"{BASIC}launcher.BasicLauncher"]


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

    def noted(config, original=train.run_job, **given):  # type: ignore[no-untyped-def]
        returned.append(original(config, **given))
        return returned[-1]

    monkeypatch.setattr(train, "run_job", noted)
    gan_train(*SWEEP, "trainer.returns=score/real", "seed=0,1")
    jobs = sorted(Path("sweep").glob("*/summary.json"))
    assert returned == [json.loads(job.read_text())["metrics"]["score/real"] for job in jobs]


def label(job: dict[str, Any]) -> str:
    return f"job {job['job']} ({','.join(job['overrides'])})"


def test_a_failed_job_is_told_and_the_others_run(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "optimizer.lr=1e-4,1e30,2e-4,1e31")
    assert result.code == 1
    assert len(result.problems) == 2, result.err
    assert result.problems[0].startswith("gan-train: job 1 (optimizer.lr=1e+30): loss/")
    assert "not finite" in result.problems[0]
    assert result.problems[1].startswith("gan-train: job 3 (optimizer.lr=1e+31): loss/")
    jobs = json.loads(Path("sweep/sweep.json").read_text())["jobs"]
    assert [job["status"] for job in jobs] == ["finished", "failed", "finished", "failed"]
    assert [job["folder"] for job in jobs] == ["0", "1", "2", "3"]
    assert jobs[1]["overrides"] == ["optimizer.lr=1e+30"]
    for number in (1, 3):
        assert json.loads(Path(f"sweep/{number}/summary.json").read_text())["step"] == 0
        assert "not finite" in Path(f"sweep/{number}/train.log").read_text().splitlines()[-1]
    # a table with the best first, which one that is, and what there is in all
    losses = {job["job"]: job.get("returns", {}).get("loss/G/adversarial") for job in jobs}
    best = min((0, 2), key=lambda number: losses[number])
    rows = [line for line in result.out.splitlines() if line[:2] in ("0 ", "1 ", "2 ", "3 ")]
    assert [row[0] for row in rows] == [str(best), str(2 - best), "1", "3"]
    assert f"lowest: {label(jobs[best])}, loss/G/adversarial {losses[best]:.4g} (" in result.out
    assert "4 jobs in sweep: 2 finished, 2 failed\n" in result.out


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


def test_a_batch_that_the_data_has_not_is_said_before_the_first_starts(gan_train: Command) -> None:
    result = gan_train("-m", "data.batch_size=16,32,5000", "trainer.steps=2", "hydra.sweep.dir=s")
    assert result.code == 2
    assert result.problems == [
        "gan-train: job 2 (data.batch_size=5000): data.batch_size=5000: more than the 1497 samples "
        "of the dataset; set data.batch_size=1497 or lower, or use more samples (data.limit)",
        "gan-train: no job was started",
    ]
    assert not Path("s").exists()


def test_a_sweep_over_a_wrong_name_begins_nothing(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "model=dcgan,nope")
    assert result.code == 2
    assert "model=nope: no such model" in result.err
    assert not list(Path("sweep").glob("*/summary.json"))


def test_a_stopped_sweep_is_taken_up_again(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real SIGTERM in the second of three jobs: it is saved, and the others are listed."""
    played = Trainer.play

    def play(trainer: Trainer) -> Any:
        if trainer.seed == 1 and trainer.step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return played(trainer)

    monkeypatch.setattr(Trainer, "play", play)
    result = gan_train(*SWEEP, "seed=range(3)")
    assert result.code == 143
    assert result.problems == [
        "gan-train: stopped by SIGTERM",
        "resume with: gan-train resume=sweep/1",
        "not run: job 2 (seed=2)",
        "the same command with hydra.sweep.dir=sweep runs what has not finished",
    ]
    reasons = [json.loads(p.read_text())["reason"] for p in sorted(Path("sweep").glob("*/*.json"))]
    assert reasons == ["finished", "SIGTERM"]
    assert load_newest(Path("sweep/1"))[1]["state"]["step"] == 2
    assert statuses() == ["finished", "stopped", "missing"]

    monkeypatch.setattr(Trainer, "play", played)
    first = snapshot(Path("sweep/0"))
    result = gan_train(*SWEEP, "seed=range(3)")
    assert (result.code, statuses()) == (0, ["finished"] * 3)
    assert snapshot(Path("sweep/0")) == first
    assert "going on from step 2 of 4 steps" in Path("sweep/1/train.log").read_text()
    assert "going on" not in Path("sweep/2/train.log").read_text()
    assert "finished already" in result.out

    before = snapshot(Path("sweep"))
    other = gan_train(*SWEEP, "seed=range(4)")
    assert (other.code, len(other.problems)) == (2, 1)
    assert "hydra.sweep.dir=sweep: holds the sweep of another command, gan-train -m" in other.err
    assert "seed=range(3); repeat that one, or give this one a folder of its own" in other.err
    assert snapshot(Path("sweep")) == before


def test_a_job_does_not_go_on_with_a_run_that_is_not_its_own(gan_train: Command) -> None:
    notes = Path("sweep/0/.hydra/overrides.yaml")
    notes.parent.mkdir(parents=True)
    notes.write_text("[seed=7]")
    before = snapshot(Path())
    result = gan_train(*SWEEP, "seed=1,2")
    assert (result.code, len(result.problems)) == (2, 1)
    assert "0: holds a run of its own (seed=7), not this job's; give another" in result.err
    assert snapshot(Path()) == before


def test_no_sweep_inside_torchrun(gan_train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    result = gan_train(*SWEEP, "seed=range(3)")
    assert (result.code, len(result.problems)) == (2, 1)
    assert "start it without torchrun" in result.err
    assert snapshot(Path()) == {}


def statuses() -> list[str]:
    jobs = json.loads(Path("sweep/sweep.json").read_text())["jobs"]
    return [job["status"] for job in jobs]


class Search(BasicSweeper):  # type: ignore[misc]
    """Tries one value after the other, and keeps what comes back."""

    got: ClassVar[list[Any]] = []

    def __init__(self, direction: str, **given: Any) -> None:
        super().__init__(None)

    def sweep(self, arguments: list[str]) -> None:
        for number, given in enumerate(arguments[-1].partition("=")[2].split(",")):
            job = [*arguments[:-1], f"optimizer.lr={given}"]
            assert self.launcher is not None
            (ended,) = self.launcher.launch([job], initial_job_idx=number)
            self.got.append(ended.return_value)


def test_the_worst_of_a_search() -> None:
    for sweeper in ({"direction": "minimize"}, {}, None):
        assert worst(OmegaConf.create({"sweeper": sweeper})) == math.inf
    assert worst(OmegaConf.create({"sweeper": {"direction": "maximize"}})) == -math.inf


def test_a_failed_trial_does_not_end_a_search(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes back is no NaN, which Optuna takes from nobody; jobs are noted as they come."""
    name = "hydra_plugins.somebodys.Search"
    monkeypatch.setitem(PLUGINS, name, Search)
    monkeypatch.setattr(Search, "got", [])
    search = [f"hydra.sweeper._target_={name}", "+hydra.sweeper.direction=maximize"]
    result = gan_train(*SWEEP, *search, "optimizer.lr=1e30,1e-3")
    assert result.code == 1
    (problem,) = result.problems
    assert problem.startswith("gan-train: job 0 (optimizer.lr=1e30): loss/")
    assert Search.got[0] == -math.inf
    assert math.isfinite(Search.got[1])
    assert statuses() == ["failed", "finished"]
    # suggested again, a point that is known is not trained again
    before = snapshot(Path("sweep/1"))
    assert gan_train(*SWEEP, *search, "optimizer.lr=1e30,1e-3").code == 1
    assert Search.got[2:] == Search.got[:2]
    assert snapshot(Path("sweep/1")) == before


def test_the_sweepers_own_parameters_are_looked_at_too(gan_train: Command) -> None:
    mine = Path("own/hydra/sweeper/mine.yaml")
    mine.parent.mkdir(parents=True)
    mine.write_text("{defaults: [basic], max_batch_size: 1, params: {optimizer.lr: '1e-4,-1'}}")
    result = gan_train(*SWEEP, "--config-dir", "own", "hydra/sweeper=mine")
    assert (result.code, list(Path().iterdir())) == (2, [Path("own")])
    assert "job 1 (optimizer.lr=-1): optimizer.lr=-1: should be greater" in result.err


class Elsewhere(BasicLauncher):  # type: ignore[misc]
    """Runs all jobs but the last with a pickle of their task, as in another process, then dies."""

    def setup(self, *, task_function: Any, **given: Any) -> None:
        super().setup(task_function=pickle.loads(cloudpickle.dumps(task_function)), **given)

    def launch(self, job_overrides: Any, initial_job_idx: int) -> Any:
        super().launch(job_overrides[:-1], initial_job_idx)
        raise RuntimeError("the workers are\ngone")


def test_a_failure_is_known_whichever_process_it_was_in(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "hydra_plugins.somebodys.Elsewhere"
    monkeypatch.setitem(PLUGINS, name, Elsewhere)
    result = gan_train(*SWEEP, f"hydra.launcher._target_={name}", "optimizer.lr=1e30,1e-4")
    assert result.code == 1
    assert result.problems == [
        "gan-train: the sweep has ended early: RuntimeError: the workers are gone",
        "gan-train: job 0 (optimizer.lr=1e+30): loss/G/adversarial and "
        "loss/G/auxiliary_classifier are not finite in step 0",
    ]
    assert statuses() == ["failed", "missing"]
    assert "2 jobs in sweep: 1 failed, 1 missing" in result.out


def test_a_sweep_over_one_players_rate(gan_train: Command) -> None:
    result = gan_train(*SWEEP, "optimizer.generator.lr=1e-3,2e-3")
    assert result.code == 0, result.err
    jobs = sorted(Path("sweep").glob("*/summary.json"))
    rates = [json.loads(job.read_text())["metrics"]["lr/G"] for job in jobs]
    assert rates == [0.001, 0.002]
