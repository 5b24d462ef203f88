"""Calls in processes of their own: each its share, no end is another's, signals reach all."""

import importlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gan_cli.cli import processes
from gan_cli.cli.process import Stopped
from gan_cli.cli.processes import run_in_processes, share, usual_number, visible_gpus


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the processes find on sys.path too."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("noted_calls").Noted


def test_each_ends_in_its_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noted: Any
) -> None:
    monkeypatch.setattr(processes, "visible_gpus", lambda: ["4", "7"])
    monkeypatch.setattr(processes, "cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (tmp_path / "pickle.py").write_text("raise SystemExit('another pickle')")
    ways = ["end", "fail", "die", "end"]
    calls = [noted(tmp_path / str(number), then) for number, then in enumerate(ways)]
    codes: dict[int, int] = {}
    run_in_processes(calls, 2, codes.__setitem__)
    assert codes == {0: 0, 1: 1, 2: -signal.SIGKILL, 3: 0}
    printed = [(call.folder / "output.txt").read_text() for call in calls]
    assert printed[0].split() == ["3", "4", str(tmp_path)]
    assert printed[1].startswith("3 7 ")
    assert "ValueError: as told" in printed[1]
    assert {text.split()[1] for text in printed} == {"4", "7"}


def test_a_signal_reaches_those_that_run(tmp_path: Path, noted: Any) -> None:
    calls = [noted(tmp_path / str(number), "wait") for number in range(3)]

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while not all((call.folder / "waits").exists() for call in calls[:2]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    codes: dict[int, int] = {}
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Stopped, match="SIGTERM"):
        run_in_processes(calls, 2, codes.__setitem__)
    thread.join()
    assert codes == {0: 143, 1: 143}
    assert [(call.folder / "saved").exists() for call in calls] == [True, True, False]
    assert not calls[2].folder.exists()


def test_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 5)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert share(1, 2, []) == {"OMP_NUM_THREADS": "2"}
    assert share(7, 8, ["0"]) == {"OMP_NUM_THREADS": "1"}
    assert share(2, 3, ["a", "b"]) == {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "a"}
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # a person knows better
    assert share(1, 2, []) == {}


@pytest.mark.parametrize(
    ("said", "there", "names"),
    [
        (None, 0, []),
        (None, 2, ["0", "1"]),
        ("2,3", 2, ["2", "3"]),
        ("GPU-1a2b", 1, ["GPU-1a2b"]),
        ("", 0, []),
        ("5,-1,6", 1, ["5"]),  # CUDA stops at the first that is none
    ],
)
def test_gpus(
    monkeypatch: pytest.MonkeyPatch, said: str | None, there: int, names: list[str]
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: there)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if said is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", said)
    assert visible_gpus() == names
    assert usual_number() == (there or 2)
