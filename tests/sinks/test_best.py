"""The best checkpoint: outdone only by what is better, never by NaN, and never deleted."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gan_cli.engine.interrupts import Interrupts
from gan_cli.sinks.best import Best
from gan_cli.sinks.checkpoint import Checkpoints, load
from gan_cli.sinks.saved import saved_in

ABOUT = {"config": {"seed": 0}}
NAN = float("nan")


def a_run(step: int, value: float | None, name: str = "metric/fid") -> Any:
    report = None if value is None else {name: value}
    state = {"step": step}
    return SimpleNamespace(
        step=step,
        report=report,
        last_report=report or {},
        seconds=0.0,
        interrupts=Interrupts(),
        skips=False,
        state_dict=lambda: state,
    )


@pytest.mark.parametrize(
    ("lower", "values", "kept"),
    [
        (True, [9.0, 5.0, 7.0], 2),
        (False, [9.0, 5.0, 7.0], 1),
        (True, [NAN, 5.0, NAN], 2),
        (True, [None, 5.0, float("-inf")], 2),
        (True, [5.0, 5.0], 1),  # no better than the first
    ],
)
def test_which_step_is_kept(
    tmp_path: Path, lower: bool, values: list[float | None], kept: int
) -> None:
    best = Best("metric/fid", lower, tmp_path, ABOUT)
    for step, value in enumerate(values, start=1):
        best.offer(a_run(step, value), last=False)
    saved = load(tmp_path / "best.pt")
    assert saved["state"]["step"] == best.step == kept
    assert saved["metrics"] == {"metric/fid": best.value} == {"metric/fid": values[kept - 1]}


def test_nan_alone_keeps_nothing(tmp_path: Path) -> None:
    Best("metric/fid", True, tmp_path, ABOUT).offer(a_run(1, NAN), last=True)
    assert not list(tmp_path.iterdir())


def test_a_resumed_run_has_to_outdo_it(tmp_path: Path) -> None:
    Best("metric/fid", True, tmp_path, ABOUT).offer(a_run(1, 5.0), last=False)
    best = Best("metric/fid", True, tmp_path, ABOUT)
    assert (best.value, best.step) == (5.0, 1)
    best.offer(a_run(2, 6.0), last=False)
    assert load(tmp_path / "best.pt")["state"]["step"] == 1
    best.offer(a_run(3, 4.0), last=False)
    assert load(tmp_path / "best.pt")["state"]["step"] == 3


def test_another_scalar_starts_afresh_and_a_damaged_file_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Best("metric/fid", True, tmp_path, ABOUT).offer(a_run(1, 5.0), last=False)
    best = Best("metric/recall", False, tmp_path, ABOUT)
    assert best.value is None
    (tmp_path / "best.pt").write_bytes(b"half")
    best = Best("metric/recall", False, tmp_path, ABOUT)
    assert "will be written anew" in caplog.text
    best.offer(a_run(2, 0.1, "metric/recall"), last=False)
    assert load(tmp_path / "best.pt")["state"]["step"] == 2


def test_deleting_old_checkpoints_leaves_it(tmp_path: Path) -> None:
    best = Best("metric/fid", True, tmp_path, ABOUT)
    checkpoints = Checkpoints(1, tmp_path, 1, ABOUT)
    for step in (1, 2, 3):
        for sink in (best, checkpoints):
            sink.offer(a_run(step, float(step)), last=step == 3)
    assert [path.name for path in saved_in(tmp_path)] == ["step-00000003.pt"]
    assert load(tmp_path / "best.pt")["state"]["step"] == 1
