"""Jobs in a queue, on submitit's executor that needs none."""

import importlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gan_cli.cli.process import Stopped
from gan_cli.cli.queued import open_queue, run_queued
from gan_cli.errors import UserError
from tests.cli.commands import SHORT
from tests.cli.test_launchers import statuses
from tests.conftest import REPOSITORY, Command

submitit = pytest.importorskip("submitit")


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the jobs find on sys.path too."""
    here = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(here), str(REPOSITORY)]))
    monkeypatch.syspath_prepend(here)
    return importlib.import_module("noted_calls").Noted


def queue(folder: Path, **parameters: Any) -> Any:
    return open_queue("local", folder / "queue", 2, {"timeout_min": 5, **parameters}, 2)


def when(there: Path, act: Callable[[], None]) -> threading.Thread:
    """Act as soon as a file is there."""

    def wait() -> None:
        deadline = time.monotonic() + 100
        while not there.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_job_whose_time_is_up_saves_and_goes_on_later(tmp_path: Path, noted: Any) -> None:
    call = noted(tmp_path / "0", "save")

    def time_is_up() -> None:
        os.kill(int((call.folder / "begun").read_text()), signal.SIGUSR2)

    thread = when(call.folder / "waits", time_is_up)
    ended: dict[int, str] = {}
    run_queued([call], queue(tmp_path), ended.__setitem__)
    thread.join()
    assert list(ended) == [0]
    assert ended[0].startswith("FINISHED; see ")
    assert (call.folder / "saved").read_text() == "SIGTERM"
    (printed,) = tmp_path.glob("queue/*_log.out")
    assert printed.read_text().count(f" {tmp_path}\n") == 2  # it was begun twice


@pytest.mark.slow
def test_a_signal_cancels_them(tmp_path: Path, noted: Any) -> None:
    calls = [noted(tmp_path / str(number), "save") for number in range(2)]
    threads = [when(call.folder / "waits", lambda: None) for call in calls]

    def stop() -> None:
        threads[1].join()
        os.kill(os.getpid(), signal.SIGTERM)

    ended: dict[int, str] = {}
    stopping = when(calls[0].folder / "waits", stop)
    with pytest.raises(Stopped, match="SIGTERM"):
        run_queued(calls, queue(tmp_path), ended.__setitem__)
    stopping.join()
    assert ended == {0: "", 1: ""}
    assert all((call.folder / "saved").exists() for call in calls)


def test_what_a_queue_does_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="there is no srun here"):
        open_queue("slurm", tmp_path, 1, {}, 1)
    with pytest.raises(UserError, match=r"hydra.launcher: Unknown argument 'acount'"):
        queue(tmp_path, slurm_acount="lab")
    with pytest.raises(UserError, match=r'hydra.launcher: Parameter "timeout_min" expected'):
        queue(tmp_path, timeout_min="long")
    monkeypatch.setitem(__import__("sys").modules, "submitit", None)
    with pytest.raises(UserError, match="pip install"):
        queue(tmp_path)


@pytest.mark.slow
def test_a_sweep_in_it(gan_train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    slurm = ["hydra/launcher=slurm", "hydra.launcher.cluster=local"]
    result = gan_train("-m", "hydra.sweep.dir=sweep", *SHORT, *slurm, "optimizer.lr=0.001,1e+30")
    assert result.code == 1
    said = "loss/G/adversarial and loss/G/auxiliary_classifier are not finite"
    assert f"gan-train: job 1 (optimizer.lr=1e+30): {said}" in result.err
    assert statuses() == ["finished", "failed"]
    refused = [*slurm[:1], "hydra.launcher.cluster=nope", "hydra.sweep.dir=other", "seed=0,1"]
    result = gan_train("-m", *SHORT, *refused)
    assert (result.code, len(result.problems)) == (2, 1)
    assert not Path("other").exists()
