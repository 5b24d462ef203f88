"""Checkpoints: whole or not there, known by their sha256, oldest deleted first."""

import errno
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gan_cli.engine.interrupts import Interrupts
from gan_cli.errors import UserError
from gan_cli.sinks import checkpoint
from gan_cli.sinks.checkpoint import Checkpoints, Corrupt, load, load_newest, save, saved_in

CONTENT = {"config": {"seed": 0}, "state": {"weight": torch.arange(3.0)}}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", CONTENT)
    read = load(tmp_path / "a.pt")
    assert torch.equal(read["state"]["weight"], CONTENT["state"]["weight"])
    assert {p.name for p in tmp_path.iterdir()} == {"a.pt", "a.pt.sha256"}


def test_the_digest_is_as_sha256sum_writes_it(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", CONTENT)
    digest = hashlib.sha256((tmp_path / "a.pt").read_bytes()).hexdigest()
    assert (tmp_path / "a.pt.sha256").read_text() == f"{digest}  a.pt\n"


def test_without_its_digest_a_checkpoint_still_loads(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", CONTENT)
    (tmp_path / "a.pt.sha256").unlink()
    load(tmp_path / "a.pt")


def test_any_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save(path, CONTENT)
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 7):
        broken = bytearray(whole)
        broken[place] ^= 16
        path.write_bytes(broken)
        with pytest.raises(Corrupt):
            load(path)


@pytest.mark.parametrize("at", ["save", "fsync", "replace"])
def test_a_save_that_fails_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Whenever it breaks off, the old file loads and no half one stays."""
    path = tmp_path / "a.pt"
    save(path, CONTENT)

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {
        "save": (torch, "save"),
        "fsync": (checkpoint.os, "fsync"),
        "replace": (Path, "replace"),
    }
    monkeypatch.setattr(*target[at], full)
    with pytest.raises(OSError, match="No space"):
        save(path, {**CONTENT, "state": {}})
    monkeypatch.undo()
    assert "weight" in load(path)["state"]
    assert {p.name for p in tmp_path.iterdir()} == {"a.pt", "a.pt.sha256"}


def test_file_and_folder_are_synced_before_and_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    fsync, replace = checkpoint.os.fsync, Path.replace
    monkeypatch.setattr(checkpoint.os, "fsync", lambda fd: (calls.append("sync"), fsync(fd)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (calls.append(to.name), replace(self, to))[1]
    )
    save(tmp_path / "a.pt", CONTENT)
    assert calls == ["sync", "a.pt.sha256", "sync", "sync", "a.pt", "sync"]


def a_run(step: int) -> Any:
    return SimpleNamespace(
        step=step, last_report={}, state_dict=lambda: {"step": step}, interrupts=Interrupts()
    )


def test_the_last_few_stay(tmp_path: Path) -> None:
    sink = Checkpoints(1, tmp_path / "c", keep_last=2, about={"config": {}})
    for step in range(1, 6):
        sink.offer(a_run(step), last=False)
    assert [p.name for p in saved_in(tmp_path / "c")] == ["step-00000004.pt", "step-00000005.pt"]
    assert len(list((tmp_path / "c").iterdir())) == 4
    assert sink.newest == tmp_path / "c" / "step-00000005.pt"


def test_order_is_by_step_whatever_the_clock_says(tmp_path: Path) -> None:
    import os

    sink = Checkpoints(1, tmp_path / "checkpoints", keep_last=9, about={"config": {}})
    for step in (99_999_999, 100_000_000, 5):
        sink.offer(a_run(step), last=False)
    os.utime(tmp_path / "checkpoints" / "step-100000000.pt", (0, 0))
    assert load_newest(tmp_path)[1]["state"]["step"] == 100_000_000


def test_an_old_one_that_cannot_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Checkpoints(1, tmp_path / "c", keep_last=1, about={"config": {}})
    sink.offer(a_run(1), last=False)
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "step-00000001.pt":
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    sink.offer(a_run(2), last=False)
    assert "cannot be deleted" in caplog.text
    assert sink.newest is not None
    load(sink.newest)


@pytest.mark.parametrize(
    ("every", "step", "last", "asked", "due"),
    [
        (5, 5, False, False, True),
        (5, 6, False, False, False),
        (5, 6, True, False, True),
        (5, 6, False, True, True),
        (0, 5, False, False, False),
        (0, 5, True, False, True),
    ],
)
def test_when_it_saves(
    tmp_path: Path, every: int, step: int, last: bool, asked: bool, due: bool
) -> None:
    run = a_run(step)
    run.interrupts.saves_asked = int(asked)
    assert Checkpoints(every, tmp_path, 1, {}).due(run, last) is due


def test_a_request_is_served_once_and_none_is_lost(tmp_path: Path) -> None:
    run = a_run(1)
    sink = Checkpoints(0, tmp_path / "c", 9, {"config": {}})
    run.interrupts.saves_asked = 1

    def ask_again() -> dict[str, int]:
        run.interrupts.saves_asked += run.step == 1  # while the first is being served
        return {"step": run.step}

    run.state_dict = ask_again
    for run.step in (1, 2, 3):
        sink.offer(run, last=False)
    assert [p.name for p in saved_in(tmp_path / "c")] == ["step-00000001.pt", "step-00000002.pt"]


def test_a_folder_without_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no checkpoint in this folder"):
        load_newest(tmp_path)
