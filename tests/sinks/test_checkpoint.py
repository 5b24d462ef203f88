"""Checkpoints: whole or not there, known by their digest, oldest deleted first."""

import errno
import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_cli.errors import NonFinite, RunFailed, UserError
from gan_cli.sinks import checkpoint
from gan_cli.sinks.best import Best
from gan_cli.sinks.checkpoint import Checkpoints, Corrupt, load, load_newest, save
from gan_cli.sinks.content import PARTS
from gan_cli.sinks.jsonl import JsonLines
from gan_cli.sinks.saved import saved_in
from tests.sinks.fake_runs import a_run
from tests.sinks.same import same

NAN, INF = float("nan"), float("inf")
CONTENT = {"config": {"seed": 0}, "state": {"weight": torch.arange(3.0)}}
RICH = {
    "config": {"seed": 0, "tricks": {}, "lr": 2e-4, "name": "größe \ud800", "nothing": None},
    "state": {
        "step": 7,
        "game": {
            "float": torch.randn(2, 3),
            "bfloat": torch.randn(5).bfloat16(),
            "flags": torch.tensor([True, False]),
            "number": torch.tensor(3),
            "empty": torch.zeros(0, 4),
            "complex": torch.randn(2, dtype=torch.complex64).conj(),
            "transposed": torch.randn(4, 3).t(),
            "last": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
            "slice": torch.arange(9)[2:5],
        },
        "players": {0: {1: (True, -5, 1.5, INF, [None, "x"])}, 1: []},
    },
    "metrics": {"metric/fid": NAN, "images": 7},
    "overrides": ["seed=0"],
    "links": {"a": "b"},
    "fingerprint": "abc",
    "fields": {"image": {"kind": "image", "shape": [1, 8, 8]}},
    "class_names": ["cat", "dog"],
    "versions": {"torch": "2"},
    "choices": {"model": "dcgan", "tricks": ["r1", "r2"]},
    "seconds": 1.5,
}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", RICH)
    assert same(load(tmp_path / "a.pt"), {"format": 2, **RICH})
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_what_is_loaded_can_be_saved_again(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", RICH)
    save(tmp_path / "b.pt", load(tmp_path / "a.pt"))
    assert same(load(tmp_path / "b.pt"), load(tmp_path / "a.pt"))


def test_what_readers_rely_on_is_there(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", CONTENT)
    content = load(tmp_path / "a.pt")
    for key, (kind, _) in PARTS.items():
        assert type(content[key]) is kind
        assert key in CONTENT or not content[key]


def test_parameters_and_expanded_tensors_become_plain(tmp_path: Path) -> None:
    state = {"p": torch.nn.Parameter(torch.ones(2)), "e": torch.ones(1).expand(1000, 1000)}
    save(tmp_path / "a.pt", {"config": {}, "state": state})
    read = load(tmp_path / "a.pt")["state"]
    assert type(read["p"]) is torch.Tensor
    assert not read["p"].requires_grad
    assert torch.equal(read["e"], state["e"])


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"game": {"x": [object()]}}, r"state.game.x\[0\]: this object cannot be saved"),
        ({"x": {1.5: 2}}, "state.x: the key 1.5 cannot be saved"),
        ({"x": torch.eye(2).to_sparse()}, "state.x: a torch.sparse_coo tensor"),
        ({"x": 2**70}, "state.x: this int cannot be saved"),
        ({"x": [0] * 500_000}, "more values than a checkpoint may"),
    ],
)
def test_what_cannot_be_loaded_is_not_saved(tmp_path: Path, state: Any, said: str) -> None:
    with pytest.raises(RunFailed, match=said):
        save(tmp_path / "a.pt", {"config": {}, "state": state})
    assert not list(tmp_path.iterdir())


def test_whatever_bit_is_flipped_no_value_changes(tmp_path: Path) -> None:
    """At every third byte of the file; some lie between the entries and mean nothing."""
    path = tmp_path / "a.pt"
    save(path, CONTENT)
    whole, good = path.read_bytes(), load(path)
    problems = []
    for place in range(0, len(whole), 3):
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        try:
            assert same(load(path), good)
        except Corrupt as error:
            problems.append(str(error))
    assert len(problems) > 200
    assert not any("\n" in problem for problem in problems)


def test_a_flipped_format_is_no_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save(path, CONTENT)
    content = path.read_bytes()
    at = content.index(b"format") + len(b"formatq\0K")
    assert content[at] == checkpoint.FORMAT
    for number in (1, 3):
        path.write_bytes(content[:at] + bytes([number]) + content[at + 1 :])
        with pytest.raises(Corrupt):
            load(path)


@pytest.mark.parametrize("length", [0, 1, 2, 30, 500, -1, -22, -50])
def test_a_truncated_file(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.pt"
    save(path, RICH)
    path.write_bytes(path.read_bytes()[:length])
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

    monkeypatch.setattr(torch if at == "save" else os, at, full)
    with pytest.raises(OSError, match="No space"):
        save(path, {**CONTENT, "state": {}})
    monkeypatch.undo()
    assert "weight" in load(path)["state"]
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_file_and_folder_are_synced_before_and_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("sync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append(b.name), replace(a, b)))
    save(tmp_path / "a.pt", CONTENT)
    assert calls == ["sync", "a.pt", "sync"]


def test_what_a_killed_save_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "step-00000001.pt.0a1b2c3d.tmp").touch()
    (tmp_path / "mine.tmp").touch()
    save(tmp_path / "a.pt", CONTENT)
    assert {p.name for p in tmp_path.iterdir()} == {"a.pt", "mine.tmp"}


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("part", ["game", "average"])
def test_weights_that_are_not_finite_are_never_saved_over_good_ones(
    tmp_path: Path, part: str, value: float
) -> None:
    sinks = [
        Best("metric/fid", True, tmp_path, CONTENT),
        Checkpoints(1, tmp_path, 1, {"config": {}}),
    ]
    for sink in sinks:
        sink.offer(a_run(1, {"metric/fid": 9.0}), last=False)
    run = a_run(2, {"metric/fid": 1.0})
    weight = torch.ones(3, dtype=torch.bfloat16)
    weight[1] = value
    run.state_dict = lambda: {"step": 2, part: {"generator": [{"conv.weight": weight}]}}
    for sink in sinks:
        with pytest.raises(NonFinite, match=rf"{part}.generator\[0\].conv.weight is not finite"):
            sink.offer(run, last=True)
    assert {p.name for p in tmp_path.iterdir()} == {"best.pt", "step-00000001.pt"}
    for name in ("best.pt", "step-00000001.pt"):
        assert load(tmp_path / name)["state"]["step"] == 1


def test_integers_and_what_is_no_weight_may_be_anything(tmp_path: Path) -> None:
    run = a_run(1)
    run.state_dict = lambda: {
        "game": {"steps": torch.tensor(1), "best": INF},
        "average": None,
        "players": {"x": torch.tensor(NAN)},
    }
    Checkpoints(1, tmp_path, 1, {"config": {}}).offer(run, last=False)
    assert len(saved_in(tmp_path)) == 1


def test_the_last_few_stay(tmp_path: Path) -> None:
    sink = Checkpoints(1, tmp_path / "c", keep_last=2, about={"config": {}})
    for step in range(1, 6):
        sink.offer(a_run(step), last=step == 5)
    assert [p.name for p in saved_in(tmp_path / "c")] == ["step-00000004.pt", "step-00000005.pt"]
    assert len(list((tmp_path / "c").iterdir())) == 2
    assert sink.newest == tmp_path / "c" / "step-00000005.pt"


def test_order_is_by_step_whatever_the_clock_says(tmp_path: Path) -> None:
    sink = Checkpoints(1, tmp_path / "checkpoints", keep_last=9, about={"config": {}})
    for step in (99_999_999, 100_000_000, 5):
        sink.offer(a_run(step), last=False)
    os.utime(tmp_path / "checkpoints" / "step-100000000.pt", (0, 0))
    assert load_newest(tmp_path)[1]["state"]["step"] == 100_000_000


def test_an_old_one_that_cannot_be_deleted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """There is a folder in its place, which really cannot be unlinked."""
    (tmp_path / "c" / "step-00000001.pt").mkdir(parents=True)
    sink = Checkpoints(1, tmp_path / "c", keep_last=1, about={"config": {}})
    sink.offer(a_run(2), last=True)
    assert "step-00000001.pt cannot be deleted" in caplog.text
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
    with pytest.raises(UserError, match="no checkpoint in this folder; name a run folder or a"):
        load_newest(tmp_path)


def test_a_folder_of_runs_names_them(tmp_path: Path) -> None:
    for place in ("day/10-00", "day/11-00", "day/12-00", "0", "1", "too/far/down/here", ".hidden"):
        save_in = tmp_path / "runs" / place / "checkpoints"
        save_in.mkdir(parents=True)
        save(save_in / "step-00000001.pt", CONTENT)
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "runs")
    with pytest.raises(UserError) as error:
        load_newest(tmp_path / "runs")
    runs = [f"{tmp_path}/runs/{name}" for name in ("day/12-00", "day/11-00", "day/10-00", "1", "0")]
    assert str(error.value).endswith(f"name one of: {', '.join(runs)}")
    with pytest.raises(UserError, match=r"name one of: .*/far/down/here$"):
        load_newest(tmp_path / "runs" / "too")
    with pytest.raises(UserError, match=f"name one of: {tmp_path}/runs/day/12-00, "):
        load_newest(tmp_path)


def test_more_runs_than_are_named(tmp_path: Path) -> None:
    for number in range(8):
        save_in = tmp_path / str(number) / "checkpoints"
        save_in.mkdir(parents=True)
        (save_in / "step-00000001.pt").touch()
    with pytest.raises(UserError, match=r"and 3 more$"):
        load_newest(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"PK", b"half"])
def test_the_one_before_a_damaged_one_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    save(tmp_path / "step-00000001.pt", CONTENT)
    (tmp_path / "step-00000002.pt").write_bytes(damage)
    assert load_newest(tmp_path)[0].name == "step-00000001.pt"
    assert "trying the one before" in caplog.text
    (tmp_path / "step-00000001.pt").write_bytes(damage)
    with pytest.raises(UserError, match="all 2 checkpoints are damaged"):
        load_newest(tmp_path)


def steps(folder: Path) -> list[int]:
    return [int(path.stem[5:]) for path in saved_in(folder)]


def test_the_one_before_goes_once_a_step_was_taken_from_the_newest(tmp_path: Path) -> None:
    """Weights may be finite and good for nothing; the next turn is the first to know."""
    sink = Checkpoints(1, tmp_path, keep_last=1, about={"config": {}})
    for step in (1, 2, 3):
        sink.offer(a_run(step), last=False)
    assert steps(tmp_path) == [2, 3]
    for step in (4, 5, 6):  # what was saved at 3 was ruined: turns are skipped from there
        run = a_run(step)
        run.skips = True
        sink.offer(run, last=step == 6)
    assert steps(tmp_path) == [2, 3, 6]
    sink.offer(a_run(7), last=False)
    assert steps(tmp_path) == [6, 7]


@pytest.fixture
def files_end_early() -> Iterator[None]:
    """The kernel itself lets no file grow beyond 8 KiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_cannot_grow(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Nothing is mocked: torch's own writer meets the error and fails in words of its own."""
    save(tmp_path / "a.pt", CONTENT)
    before = (tmp_path / "a.pt").read_bytes()
    request.getfixturevalue("files_end_early")
    with pytest.raises(OSError, match="File too large"):
        save(tmp_path / "a.pt", {**CONTENT, "state": {"game": {"w": torch.ones(5_000)}}})
    assert (tmp_path / "a.pt").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_metrics_that_cannot_grow(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """No half line stays for the next to hang on to."""
    request.getfixturevalue("files_end_early")
    lines = JsonLines(tmp_path / "metrics.jsonl", 0)
    run = a_run(1, {"loss/D": 1.0})
    run.images = 1
    for run.step in range(1, 500):
        lines.offer(run, last=False)
    written = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in written] == list(range(1, len(written) + 1))
    assert len(written) < 499
