"""Runs that are killed again and again at random moments end in the bytes of one that was not."""

import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra

from gan_cli.cli.train import main
from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import TINY, narrow
from tests.runs.resuming import assert_equal

RUNS, KILLS = 30, 4
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
# a report each step: one that sums up several ends early where a signal stops the run
STEPS = [
    *("trainer.steps=24", "trainer.log_every=1"),
    *("trainer.checkpoint_every=2", "trainer.sample_every=6"),
]
RUN = ["model=vanilla", *narrow("vanilla"), *TINY, *STEPS, "tricks=[instance_noise]"]
AGAIN = [*RUN, "resume=auto"]


def start(folder: Path) -> int:
    """The same command as ever, in a copy of this process, which has imported all it takes."""
    if (child := os.fork()) == 0:
        code = 1
        with contextlib.suppress(BaseException):
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            GlobalHydra.instance().clear()
            main([f"hydra.run.dir={folder}", *AGAIN])
        with contextlib.suppress(BaseException):
            code = 0 if json.loads((folder / "summary.json").read_text())["step"] == 24 else 1
        os._exit(code)
    return child


def end(child: int) -> int:
    """Wait for it; its exit code, or the negative number of the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def reports(folder: Path) -> Iterator[dict[str, Any]]:
    """What was logged, but for times."""
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        values = json.loads(line)
        yield {k: v for k, v in values.items() if k != "seconds" and not k.startswith("speed/")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A run that nobody disturbed, and how long it took."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    end(start(folder.with_name("warm-up")))
    began = time.monotonic()
    assert end(start(folder)) == 0
    return folder, time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(RUNS))
def test_a_run_killed_at_random_moments(
    undisturbed: tuple[Path, float], tmp_path: Path, seed: int
) -> None:
    whole, seconds = undisturbed
    chance = random.Random(seed)
    run = tmp_path / "run"
    for _ in range(KILLS):
        child = start(run)
        time.sleep(chance.uniform(0, seconds))
        os.kill(child, chance.choice(SIGNALS))  # a zombie where it has come to its end
        end(child)
    assert end(start(run)) == 0
    assert_equal(load_newest(run)[1]["state"], load_newest(whole)[1]["state"])
    assert list(reports(run)) == list(reports(whole))
    for step in (6, 12, 18, 24):  # others show where it was stopped
        name = f"samples/step-{step:08d}.png"
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    assert not list(run.rglob("*.tmp"))
