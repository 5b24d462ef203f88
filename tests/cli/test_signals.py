"""Signals to a real process: it finishes the step, saves, and tells by its exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gan_cli.sinks.checkpoint import load_newest
from gan_cli.sinks.saved import saved_in
from tests.conftest import NARROW, TINY

ENDLESS = [*TINY, *NARROW, "trainer.steps=1000000", "trainer.sample_every=0"]
PATIENCE = 60.0  # seconds until a test gives up; nothing here takes that long


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Until `what` is true; the process must not end before."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """An endless run that has made its first steps."""
    command = [sys.executable, "-c", "from gan_cli.cli.train import main; main()"]
    running = subprocess.Popen(
        [*command, *ENDLESS, "hydra.run.dir=run", "trainer.checkpoint_every=1000000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    wait_for(lambda: has_lines(tmp_path / "run" / "metrics.jsonl"), running)
    yield running
    if running.poll() is None:
        running.kill()
    running.communicate()


def has_lines(path: Path) -> bool:
    return path.exists() and "\n" in path.read_text()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_stop(
    process: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert "Traceback" not in err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["reason"] == number.name
    assert load_newest(tmp_path / "run")[1]["state"]["step"] == summary["step"]


def test_save_and_go_on(process: subprocess.Popen[str], tmp_path: Path) -> None:
    process.send_signal(signal.SIGUSR1)
    wait_for(lambda: bool(saved_in(tmp_path / "run" / "checkpoints")), process)
    step = load_newest(tmp_path / "run")[1]["state"]["step"]
    lines = tmp_path / "run" / "metrics.jsonl"
    wait_for(lambda: json.loads(lines.read_text().splitlines()[-1])["step"] > step + 2, process)


def test_killed_without_warning(process: subprocess.Popen[str], tmp_path: Path) -> None:
    """What was saved before is good, and no half file is taken for a checkpoint."""
    process.send_signal(signal.SIGUSR1)
    wait_for(lambda: bool(saved_in(tmp_path / "run" / "checkpoints")), process)
    process.send_signal(signal.SIGUSR1)  # and in the middle of the next save, perhaps
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert load_newest(tmp_path / "run")[1]["state"]["step"] > 0


def test_stdout_goes_away(process: subprocess.Popen[str], tmp_path: Path) -> None:
    """`gan-train | head` does not end the run."""
    assert process.stdout is not None
    process.stdout.close()
    lines = tmp_path / "run" / "metrics.jsonl"
    seen = len(lines.read_text().splitlines())
    wait_for(lambda: len(lines.read_text().splitlines()) > seen + 3, process)
    process.stdout = None
