"""One trial: gan-train as a process of its own, watched while it trains.

A run that fails, or that the system kills, takes nothing with it; one that is stopped saves first,
and the same command goes on with it.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from gan_cli.errors import UserError
from gan_cli.tuning.judge import Judge, read_summary

COMMAND = [sys.executable, "-m", "gan_cli", "train"]
POLL = 0.25
"""Seconds between two looks at what a run has reported."""
FINISHED, FAILED, BAD_INPUT = 0, 1, 2
COLLAPSED, BEHIND, NOT_FINITE = "mode collapse", "behind the median", "not finite"


class Ending(NamedTuple):
    """How a trial's run ended.

    Attributes:
        code: of the process.
        pruned: why it was given up; empty where it was not.
        said: the last lines it wrote about what was wrong.
    """

    code: int
    pruned: str
    said: Sequence[str]


def train_trial(
    arguments: Sequence[str],
    folder: Path,
    judge: Judge,
    hopeless: Callable[[Sequence[tuple[int, float]]], str],
) -> Ending:
    """Start a run, or go on with the one in `folder`, and watch it to its end.

    Args:
        arguments: as typed after gan-train.
        folder: the run's.
        judge: reads its reports.
        hopeless: given new marks, says why the trial is to be given up; empty to go on.

    Raises:
        BaseException: what came from a signal to this process; the run has been stopped, and saved.
    """
    given = [*arguments, f"hydra.run.dir='{folder}'", "resume=auto"]
    output = folder.with_suffix(".log")
    pruned = ""
    with output.open("ab") as file:
        run = subprocess.Popen(
            [*COMMAND, *given],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for us; we hand it on
        )
        try:
            while run.poll() is None:
                time.sleep(POLL)
                if not pruned and (pruned := hopeless(judge.look())):
                    run.send_signal(signal.SIGTERM)
            if not pruned:
                pruned = hopeless(judge.look())
        except BaseException:
            _stop(run)
            raise
    if run.returncode == FAILED and NOT_FINITE in str(read_summary(folder).get("reason", "")):
        pruned = NOT_FINITE
    return Ending(run.returncode, pruned, _last_lines(output))


def _stop(run: "subprocess.Popen[bytes]") -> None:
    """Let a run save and end; a second signal ends it at once."""
    try:
        run.send_signal(signal.SIGTERM)
        run.wait()
    except BaseException:
        run.kill()
        run.wait()
        raise


def _last_lines(output: Path, prefix: str = "gan-train: ") -> list[str]:
    """What the command said of its own failure."""
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)][-5:]


def explain(ending: Ending, folder: Path) -> str:
    """Why a trial failed, in one line."""
    if ending.said:
        return ending.said[-1]
    if ending.code < 0:
        return f"ended by {signal.Signals(-ending.code).name}; see {folder.with_suffix('.log')}"
    return f"exit code {ending.code}; see {folder.with_suffix('.log')}"


def refuse_hopeless_start(ending: Ending) -> None:
    """Raise UserError where a run was refused as bad input: so would all others be."""
    if ending.code == BAD_INPUT:
        raise UserError(*(ending.said or ["the first trial was refused"]))
