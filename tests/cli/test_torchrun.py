"""`torchrun ... gan-train`: a process that dies ends the job, or is started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_cli.sinks.checkpoint import load_newest
from gan_cli.sinks.saved import saved_in
from tests.conftest import REPOSITORY, narrow

pytestmark = pytest.mark.slow
PATIENCE = 240
RUN = [
    *("model=dcgan", *narrow("dcgan"), "data.batch_size=8", "data.limit=32", "trainer.device=cpu"),
    *("trainer.log_every=10", "trainer.checkpoint_every=10", "trainer.sample_every=0"),
    *("logger=[]", "trainer.health=false"),
]


def start(*arguments: str, restarts: int = 0) -> subprocess.Popen[str]:
    """torchrun with two processes of gan-train."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    torchrun += ["--nproc-per-node=2", f"--max-restarts={restarts}", "--monitor-interval=0.1"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*torchrun, "-m", "gan_cli", "train", *RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def workers(job: subprocess.Popen[str]) -> Iterator[int]:
    """The processes that torchrun has started, rank 0 first."""
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
    for child in sorted(map(int, children)):
        environ = Path(f"/proc/{child}/environ").read_bytes()
        if b"\0LOCAL_RANK=" in environ:
            yield child


def wait_for_checkpoint(run: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (run.is_dir() and saved_in(run / "checkpoints")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_job(tmp_path: Path, rank: int) -> None:
    run = tmp_path / "run"
    job = start("trainer.steps=100000", f"hydra.run.dir={run}")
    wait_for_checkpoint(run)
    os.kill([*workers(job)][rank], signal.SIGKILL)
    said, _ = job.communicate(timeout=PATIENCE)
    assert job.returncode == 1, said
    state = load_newest(run)[1]["state"]
    assert state["step"] % 10 == 0
    assert state["ranks"]["count"] == 2
    if rank == 1:
        assert "another process of this run has ended" in said


def test_torchrun_goes_on_from_the_newest_checkpoint(tmp_path: Path) -> None:
    """No folder is named: the processes that are started again are told which it was."""
    os.chdir(tmp_path)
    job = start("trainer.steps=200", restarts=1)
    deadline = time.monotonic() + PATIENCE
    while not (found := [*tmp_path.glob("outputs/runs/*/*/checkpoints/step-*.pt")]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill([*workers(job)][1], signal.SIGKILL)
    said, _ = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0, said
    assert "going on from step" in said
    runs = {path.parent.parent for path in tmp_path.glob("outputs/runs/*/*/checkpoints/step-*.pt")}
    assert runs == {found[0].parent.parent}
    (run,) = runs
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["step"], summary["reason"]) == (200, "finished")
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == [*range(10, 201, 10)]


def test_sigterm_to_torchrun_saves(tmp_path: Path) -> None:
    run = tmp_path / "run"
    job = start("trainer.steps=100000", f"hydra.run.dir={run}")
    wait_for_checkpoint(run)
    job.send_signal(signal.SIGTERM)
    said, _ = job.communicate(timeout=PATIENCE)
    assert job.returncode != 0, said
    summary = json.loads((run / "summary.json").read_text())
    assert summary["reason"] == "SIGTERM"
    assert load_newest(run)[1]["state"]["step"] == summary["step"]
