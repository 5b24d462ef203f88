"""Jobs on a Ray of one's own; in a process of its own, for Ray takes many things for itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import commands
from tests.cli.commands import SHORT
from tests.conftest import REPOSITORY

pytest.importorskip("ray")
SIGNALLED = """
import os, signal, threading, time
from pathlib import Path
from gan_cli.cli.on_ray import run_on_ray
from gan_cli.cli.process import Stopped
from gan_cli.errors import UserError
from noted_calls import Noted

def stop():
    while not Path("0/waits").exists():
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=stop, daemon=True).start()
calls = [Noted(Path(name).absolute(), "save") for name in "01"]
ended = {}
try:
    run_on_ray(calls, None, os.cpu_count(), None, ended.__setitem__)
except Stopped as stopped:
    print(stopped, ended)
try:
    run_on_ray(calls, None, 1, 99, ended.__setitem__)
except UserError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_signal_cancels_what_runs_on_ray(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED],
        env=commands.environment(PYTHONPATH=f"{REPOSITORY}:{Path(__file__).parent}"),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=200,
    )
    assert done.stdout.splitlines()[0] == "SIGTERM {1: '', 0: ''}", done.stderr
    assert "hydra.launcher.gpus=99: all of this Ray has " in done.stdout
    assert Path("0/saved").read_text() == "SIGINT"
    assert not Path("1/begun").exists()


@pytest.mark.slow
def test_a_sweep_on_ray(tmp_path: Path) -> None:
    words = ["-m", "hydra.sweep.dir=sweep", *SHORT, "hydra/launcher=ray"]
    done = commands.run("train", *words, "optimizer.lr=0.001,1e+30", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines() == [
        "gan-train: job 1 (optimizer.lr=1e+30): loss/G/adversarial and "
        "loss/G/auxiliary_classifier are not finite in step 0"
    ]
    jobs = json.loads(Path("sweep/sweep.json").read_text())["jobs"]
    assert [job["status"] for job in jobs] == ["finished", "failed"]
