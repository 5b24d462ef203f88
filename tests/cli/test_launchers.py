"""Launchers of our own: jobs in processes, of which their folders tell."""

import json
import os
import pickle
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from gan_cli.cli.process import Stopped
from tests.cli import commands
from tests.cli.commands import SHORT, snapshot
from tests.conftest import Command

LOCAL = ["-m", "hydra.sweep.dir=sweep", *SHORT, "hydra/launcher=local", "hydra.launcher.jobs=2"]


def statuses() -> list[str]:
    jobs = json.loads(Path("sweep/sweep.json").read_text())["jobs"]
    return [job["status"] for job in jobs]


def test_jobs_that_fail_that_die_and_that_are_done(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their processes are played by this one."""
    begun: list[str] = []
    dies, stops = {"1"}, set[str]()

    def run(calls: Any, at_once: int, ended: Any) -> None:
        assert at_once == 2
        for index, call in enumerate(map(pickle.loads, map(pickle.dumps, calls))):
            begun.append(call.folder.name)
            if call.folder.name in stops:
                raise Stopped("SIGTERM")
            if call.folder.name in dies:
                ended(index, -signal.SIGKILL)
            else:
                call()
                ended(index, 0)

    from hydra.core.plugins import Plugins

    launcher: Any = Plugins.instance().class_name_to_class["hydra_plugins.gan_cli_launchers.Local"]
    monkeypatch.setitem(launcher.run.__globals__, "run_in_processes", run)
    sweep = [*LOCAL, "optimizer.lr=0.001,0.002,1e+30"]
    result = gan_train(*sweep)
    assert result.code == 1
    assert result.problems == [
        "gan-train: job 1 (optimizer.lr=0.002): killed by SIGKILL, as where memory runs out; "
        "see output.txt in its folder",
        "gan-train: job 2 (optimizer.lr=1e+30): loss/G/adversarial and "
        "loss/G/auxiliary_classifier are not finite in step 0",
    ]
    assert statuses() == ["finished", "failed", "failed"]
    assert "job 0 (optimizer.lr=0.001): finished, loss/G/adversarial 0." in result.out
    assert "3 jobs in sweep: 1 finished, 2 failed" in result.out

    stops.add("2")
    before = snapshot(Path("sweep/0"))
    result = gan_train(*sweep[:-1], "hydra.launcher.jobs=2", sweep[-1])
    assert (result.code, begun) == (143, ["0", "1", "2", "1", "2"])
    assert "1 of 3 jobs are finished already" in result.out
    assert snapshot(Path("sweep/0")) == before


def test_a_wrong_number_of_jobs(gan_train: Command) -> None:
    result = gan_train(*LOCAL[:-1], "hydra.launcher.jobs=0", "seed=0,1")
    assert (result.code, len(result.problems)) == (2, 1)
    assert "hydra.launcher.jobs=0: should be a whole number above 0" in result.err
    assert not list(Path().iterdir())


@pytest.mark.slow
def test_at_once_stopped_and_taken_up(tmp_path: Path) -> None:
    """Real processes, a real SIGTERM: what runs is saved, and goes on the second time."""
    long = ["trainer.steps=200", "trainer.checkpoint_every=0"]
    words = commands.command("train", *LOCAL, *long, "seed=range(3)")
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    sweep = subprocess.Popen(words, text=True, env=commands.environment(), **streams)
    deadline = time.monotonic() + 200
    while not all(Path(f"sweep/{n}/metrics.jsonl").exists() for n in (0, 1)):
        assert time.monotonic() < deadline
        assert sweep.poll() is None
        time.sleep(0.1)
    os.kill(sweep.pid, signal.SIGTERM)
    _, err = sweep.communicate(timeout=100)
    assert sweep.returncode == 143, err
    assert err.splitlines() == [
        "gan-train: stopped by SIGTERM",
        "not run: job 2 (seed=2)",
        "the same command with hydra.sweep.dir=sweep runs what has not finished",
    ]
    assert statuses() == ["stopped", "stopped", "missing"]
    done = commands.run("train", *LOCAL, *long, "seed=range(3)", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert statuses() == ["finished"] * 3
    assert "going on from step" in Path("sweep/0/train.log").read_text()
