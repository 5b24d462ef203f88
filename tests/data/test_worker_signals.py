"""Signals to a whole process group, as SLURM, Docker, `timeout` and a terminal send them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, sys, time
import torch
from gan_cli.data.batches import StreamBatches
from gan_cli.data.order import Draw
from slow_datasets import Slow, Stuck

wanted = []
signal.signal(signal.SIGTERM, lambda number, frame: wanted.append(number))
batches = StreamBatches({dataset}(), Draw(2, torch.device("cpu"), 0), workers=2)
{body}
"""


def script(body, dataset="Slow"):
    """A process in a group of its own, told apart from the tests'."""
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(body=body, dataset=dataset)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{Path(__file__).parent}"},
        start_new_session=True,
    )


def finished(process):
    """How it ended; its group is gone."""
    try:
        out, err = process.communicate(timeout=60)
    finally:
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, out.splitlines(), err


def test_sigterm_to_the_group_while_workers_decode_lets_the_run_finish():
    process = script("""
print("ready", flush=True)
while not wanted:
    batches.next()
at = batches.position
for _ in range(5):
    batches.next()
batches.close()
print(batches.position - at)
""")
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)  # it may come while they start, or later
    os.killpg(process.pid, signal.SIGTERM)
    assert finished(process) == (0, ["10"], "")


def test_sigterm_to_the_group_before_workers_are_ready():
    process = script("""
def fork():
    made = forked()
    if made == 0:
        os.kill(os.getpid(), signal.SIGTERM)  # as if to the group, just after
        os.kill(os.getpid(), signal.SIGINT)
    return made

forked, os.fork = os.fork, fork
signal.signal(signal.SIGTERM, signal.SIG_DFL)
for _ in range(5):
    batches.next()
batches.close()
print(batches.position)
""")
    assert finished(process) == (0, ["10"], "")


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["", "raise KeyboardInterrupt", "batches.close(); sys.exit(3)"])
def test_no_worker_blocks_the_exit_whatever_it_does(ending):
    process = script(
        f"""
import multiprocessing
from gan_cli.data.workers import DecodedBatches
try:
    batches._decoded = DecodedBatches(batches._dataset, iter([{{"": [0, 1]}}, {{"": [2]}}]), 2)
    next(batches._decoded)
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGSTOP)
    {ending}
except KeyboardInterrupt:
    sys.exit(130)
""",
        "Stuck",
    )
    code = {"": 0, "raise KeyboardInterrupt": 130}.get(ending, 3)
    assert finished(process) == (code, [], "")


@pytest.mark.slow
def test_a_second_interrupt_is_not_held_up_by_a_stopped_worker():
    process = script("""
import multiprocessing
batches.next()
for worker in multiprocessing.active_children():
    os.kill(worker.pid, signal.SIGSTOP)
print("stopped", flush=True)
try:
    while True:
        batches.next()
except KeyboardInterrupt:
    print(batches.position >= 2, flush=True)
    sys.exit(130)
""")
    assert process.stdout.readline() == "stopped\n"
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    assert finished(process) == (130, ["True"], "")
