"""What TensorBoard is given to read."""

import resource
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_cli.sinks.tensorboard import TensorBoard, new_event_file
from tests.sinks.fake_runs import a_run


def seen(folder: Path, name: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(e.step, e.value) for e in events.Scalars(name)]


def played(folder: Path, start: int, values: dict[int, float]) -> None:
    board = TensorBoard(folder, start, "", {"seed": 0})
    for step, value in values.items():
        board.offer(a_run(step, {"loss/D": value}), last=False)
    board.close(a_run(max(values)))


def test_a_clock_that_was_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in the order of their names: the later part's comes last all the same."""
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    played(tmp_path, 0, {1: 1.0, 2: 2.0, 3: 3.0})
    monkeypatch.setattr("time.time", lambda: 1_000_000_000.0)
    played(tmp_path, 2, {3: 30.0, 4: 40.0})
    assert seen(tmp_path, "loss/D") == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split(".")[3] for name in names] == ["2000000000", "2000000001"]


def test_names_of_others_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.mine").touch()
    assert new_event_file(tmp_path).name.count(".") >= 4


def test_a_file_that_cannot_grow_holds_whole_events(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What does not fit is left out whole and said once; what comes later still fits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    board = TensorBoard(tmp_path, 0, "", {})
    board.offer(a_run(1, {"loss/D": 1.0}), last=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        for step in (2, 3):
            board.show("samples", torch.randint(256, (3, 64, 64), dtype=torch.uint8), step)
        board.offer(a_run(4, {"loss/D": 4.0}), last=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    board.close(a_run(4))
    assert [r.message.partition(":")[0] for r in caplog.records] == [
        "TensorBoard cannot be written, going on without"
    ]
    assert seen(tmp_path, "loss/D") == [(1, 1.0), (4, 4.0)]


def test_a_folder_that_cannot_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    played(tmp_path / "file", 0, {1: 1.0, 2: 2.0})
    assert len(caplog.records) == 1
