"""A run that was killed between its last checkpoint and its summary is finished by resuming."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from gan_cli.sinks.checkpoint import load_newest
from gan_cli.sinks.film import Film
from gan_cli.sinks.samples import Samples
from gan_cli.sinks.sink import Sink
from gan_cli.sinks.summary import Summary
from tests.cli.commands import snapshot
from tests.conftest import TINY, Command, narrow
from tests.runs.resuming import assert_equal

RUN = ["model=vanilla", *narrow("vanilla"), *TINY, "trainer.sample_every=2"]
LEFT = {
    *("summary.json", "curves.png", "training.gif", "metrics.jsonl", "config.yaml"),
    *("real_and_fake.png", "interpolation.png", "samples", "checkpoints", "tensorboard"),
}


def kill_in(sink: type[Sink], method: str, gan_train: Command, *arguments: str) -> None:
    """A run, in a process of its own, that is killed where a sink is about to write for the end."""
    child = os.fork()
    if child == 0:
        before = getattr(sink, method)

        def die(self: Sink, run: Any, *more: Any) -> None:
            if run.step == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            before(self, run, *more)

        setattr(sink, method, die)
        try:
            gan_train(*arguments)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("sink", "method"), [(Samples, "write"), (Film, "finish"), (Summary, "finish")]
)
def test_killed_after_the_last_checkpoint(
    gan_train: Command, tmp_path: Path, sink: type[Sink], method: str
) -> None:
    whole = gan_train(*RUN, folder="whole").folder
    kill_in(sink, method, gan_train, *RUN)
    run = tmp_path / "run"
    assert load_newest(run)[1]["state"]["step"] == 4
    assert not (run / "summary.json").exists()
    result = gan_train(f"resume={run}")
    assert result.code == 0, result.err
    assert {path.name for path in run.iterdir()} >= LEFT
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["step"], summary["reason"]) == (4, "finished")
    goal = json.loads((whole / "summary.json").read_text())["metrics"]
    assert summary["metrics"].keys() == goal.keys()
    assert summary["metrics"]["loss/G/adversarial"] == goal["loss/G/adversarial"]
    for name in ("training.gif", "interpolation.png", "samples/step-00000004.png"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    assert_equal(*(load_newest(folder)[1]["state"] for folder in (run, whole)))
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4]


def test_once_all_is_there_nothing_is_written_again(gan_train: Command) -> None:
    run = gan_train(*RUN).folder
    before = snapshot(run)
    result = gan_train(f"resume={run}")
    assert (result.code, "finished already" in result.out) == (0, True)
    assert snapshot(run) == before


@pytest.mark.parametrize("damage", [b"", b'{"step": 4, "rea', b"[1]", b"\xff", b"[" * 100_000])
def test_a_damaged_summary_is_written_anew(gan_train: Command, damage: bytes) -> None:
    run = gan_train(*RUN).folder
    (run / "summary.json").write_bytes(damage)
    assert gan_train(f"resume={run}").code == 0
    assert json.loads((run / "summary.json").read_text())["reason"] == "finished"


def test_what_a_kill_left_half_written_is_removed(gan_train: Command) -> None:
    """And nothing else: only names as we give them to what is not whole yet."""
    run = gan_train(*RUN).folder
    (run / "summary.json").unlink()
    orphans = ["summary.json.0a1b2c3d.tmp", "samples/step-00000002.png.0a1b2c3d.tmp"]
    orphans.append("checkpoints/step-00000004.pt.0a1b2c3d.tmp")
    for name in [*orphans, "mine.tmp"]:
        (run / name).write_bytes(b"half")
    assert gan_train(f"resume={run}", "trainer.steps=5").code == 0
    assert {str(path.relative_to(run)) for path in run.rglob("*.tmp")} == {"mine.tmp"}
