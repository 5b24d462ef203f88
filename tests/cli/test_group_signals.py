"""A run that reads through worker processes: what hits all of them, and what hits one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_cli.sinks.checkpoint import load_newest
from tests.cli.test_signals import ENDLESS, PATIENCE, has_lines, wait_for
from tests.data.image_files import write_image

STREAMED = ["data=folder", "data.root=images", "data.image_size=8", "data.memory_limit=1e-6"]


@pytest.fixture
def streaming(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """An endless run with two workers, all of them a process group of their own."""
    for number in range(32):
        write_image(tmp_path / "images" / f"{number}.png", seed=number)
    keys = [key for key in ENDLESS if not key.startswith("data.limit")]
    running = subprocess.Popen(
        [
            *(sys.executable, "-c", "from gan_cli.cli.train import main; main()", *keys, *STREAMED),
            *("data.workers=2", "hydra.run.dir=run", "trainer.checkpoint_every=1000000"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    wait_for(lambda: has_lines(tmp_path / "run" / "metrics.jsonl"), running)
    yield running
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate()


def workers(process: subprocess.Popen[str]) -> list[int]:
    """Its children."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_a_signal_to_the_whole_group(
    streaming: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """What SLURM, Docker and `timeout` send: the run saves as if it were alone."""
    os.killpg(streaming.pid, number)
    _, err = streaming.communicate(timeout=PATIENCE)
    assert streaming.returncode == code, err
    assert "Traceback" not in err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["reason"] == number.name
    assert load_newest(tmp_path / "run")[1]["state"]["step"] == summary["step"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_that_is_killed(streaming: subprocess.Popen[str], tmp_path: Path) -> None:
    """As the kernel kills one for want of memory: the last whole step is saved, and it is said."""
    os.kill(workers(streaming)[0], signal.SIGKILL)
    _, err = streaming.communicate(timeout=PATIENCE)
    assert streaming.returncode == 1
    assert "Traceback" not in err
    assert "data.workers" in err
    step = load_newest(tmp_path / "run")[1]["state"]["step"]
    assert step == json.loads((tmp_path / "run" / "summary.json").read_text())["step"] > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_second_ctrl_c_gets_past_a_stopped_worker(streaming: subprocess.Popen[str]) -> None:
    for worker in workers(streaming):
        os.kill(worker, signal.SIGSTOP)
    streaming.send_signal(signal.SIGINT)
    try:
        streaming.wait(timeout=2)
    except subprocess.TimeoutExpired:
        streaming.send_signal(signal.SIGINT)
    _, err = streaming.communicate(timeout=PATIENCE)
    assert streaming.returncode == 130, err
    assert "Traceback" not in err
