"""A kill at any file operation: the checkpoint before or the new one is whole, never neither."""

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gan_cli.sinks.best import Best
from gan_cli.sinks.checkpoint import Checkpoints, load, load_newest
from gan_cli.sinks.jsonl import JsonLines, read_reports
from tests.sinks.fake_runs import a_run, is_killed

FID = "metric/fid"
ABOUT = {"config": {"seed": 0}}


def kills(folder: Path, work: Callable[[Path], Any]) -> Iterator[Path]:
    """Copies of the folder, each after a kill one operation later; at last one without."""
    for number in itertools.count(1):
        copy = folder.with_name(f"{folder.name}{number}")
        shutil.copytree(folder, copy)
        killed = is_killed(number, lambda place=copy: work(place))
        yield copy
        if not killed:
            assert number > 6  # opened, written, synced, renamed and synced at least
            return


def weight_of(content: dict[str, Any]) -> float:
    return float(content["state"]["game"]["weight"].mean())


@pytest.mark.parametrize("keep_last", [1, 2])
def test_a_step(tmp_path: Path, keep_last: int) -> None:
    Checkpoints(1, tmp_path / "c", keep_last, ABOUT).offer(a_run(1), last=False)
    seen = set()
    for folder in kills(
        tmp_path / "c",
        lambda place: Checkpoints(1, place, keep_last, ABOUT).offer(a_run(2, weight=2.0), False),
    ):
        _, content = load_newest(folder)
        assert weight_of(content) == content["state"]["step"]
        seen.add(content["state"]["step"])
        Checkpoints(1, folder, keep_last, ABOUT).offer(a_run(3, weight=3.0), last=False)
        assert not list(folder.glob("*.tmp"))  # what the kill left is gone with the next save
        assert weight_of(load_newest(folder)[1]) == 3.0
    assert seen == {1, 2}


def test_the_best(tmp_path: Path) -> None:
    Best(FID, True, tmp_path / "c", ABOUT).offer(a_run(1, {FID: 9.0}), last=False)
    seen = set()
    for folder in kills(
        tmp_path / "c",
        lambda place: Best(FID, True, place, ABOUT).offer(a_run(2, {FID: 5.0}, 2.0), False),
    ):
        content = load(folder / "best.pt")
        step = content["state"]["step"]
        assert weight_of(content) == step
        assert content["metrics"] == {FID: {1: 9.0, 2: 5.0}[step]}
        seen.add(step)
    assert seen == {1, 2}


def test_no_run_goes_on_after_a_best_that_was_not_saved(tmp_path: Path) -> None:
    """Best is offered a step before Checkpoints; an older checkpoint comes by the best again."""

    def play(place: Path, step: int, fid: float) -> None:
        run = a_run(step, {FID: fid}, float(step))
        for sink in (Best(FID, True, place, ABOUT), Checkpoints(1, place, 1, ABOUT)):
            sink.offer(run, last=False)

    play(tmp_path / "c", 1, 9.0)
    ends = set()
    for folder in kills(tmp_path / "c", lambda place: play(place, 2, 5.0)):
        newest, best = load_newest(folder)[1], load(folder / "best.pt")
        assert best["state"]["step"] >= newest["state"]["step"]
        ends.add((best["state"]["step"], newest["state"]["step"]))
    assert ends == {(1, 1), (2, 1), (2, 2)}


def test_resuming_loses_no_line_of_the_metrics(tmp_path: Path) -> None:
    lines = [{"step": step, "seconds": step / 2} for step in (1, 2, 3)]
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    for folder in kills(tmp_path / "m", lambda place: JsonLines(place / "metrics.jsonl", step=2)):
        assert read_reports(folder / "metrics.jsonl", 2) == lines[:2]
