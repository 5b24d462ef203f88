import gc
import multiprocessing
import os
import signal
import time

import pytest
import torch

from gan_cli.data.batches import StreamBatches
from gan_cli.data.order import Draw
from gan_cli.data.workers import DecodedBatches
from gan_cli.errors import RunFailed
from tests.data.slow_datasets import Buggy, Killer, Slow, Stuck

CPU = torch.device("cpu")


@pytest.fixture
def batches():
    opened = StreamBatches(Slow(), Draw(2, CPU, 0), workers=2)
    yield opened
    opened.close()


def workers():
    return multiprocessing.active_children()


def test_a_killed_worker_is_told_from_a_bug():
    batches = StreamBatches(Killer(), Draw(2, CPU, 0), workers=1)
    with pytest.raises(
        RunFailed, match=r"^.*SIGKILL.*memory; lower data.workers=1 or data.batch_s"
    ):
        batches.next()
    assert batches.position == 0
    batches.close()


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_bug_stays_a_bug(workers):
    batches = StreamBatches(Buggy(), Draw(2, CPU, 0), workers)
    with pytest.raises(RuntimeError, match="a bug"):
        batches.next()
    batches.close()


def test_a_worker_that_dies_is_noticed_when_its_batch_is_wanted_and_nowhere_else(batches):
    expected = StreamBatches(Slow(), Draw(2, CPU, 0), workers=0)
    batches.next(), expected.next()
    for worker in workers():
        os.kill(worker.pid, signal.SIGKILL)
    for worker in workers():
        worker.join()
    for _ in range(1000):  # torch's handler of SIGCHLD would raise at one of these lines
        time.sleep(0.0001)

    def go_on():
        for _ in range(9):  # what was decoded before may still come
            batches.next()
            expected.next()

    with pytest.raises(RunFailed, match=r"^a process that decodes images has died.*\Z"):
        go_on()
    assert batches.position == expected.position
    assert torch.equal(batches.next()["image"], expected.next()["image"])  # started anew


class BreaksOff:
    """Torch's iterator when a process is killed while it hands a batch over."""

    def __init__(self, workers):
        self._workers = workers

    def __next__(self):
        os.kill(self._workers[0].pid, signal.SIGKILL)
        raise ConnectionResetError("Connection reset by peer")


def test_a_worker_that_dies_handing_a_batch_over(batches):
    batches.next()
    batches._decoded._iterator = BreaksOff(batches._decoded._iterator._workers)
    with pytest.raises(RunFailed, match=r"^a process that decodes images has died.*data.workers=2"):
        batches.next()


def test_the_handler_of_sigchld_is_the_one_before(batches):
    def mine(number, frame):
        pass

    before = signal.signal(signal.SIGCHLD, mine)
    try:
        batches.next()
        assert signal.getsignal(signal.SIGCHLD) is mine
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_workers_ignore_what_the_whole_group_gets(batches, number):
    for _ in range(5):
        batches.next()
        for worker in workers():
            os.kill(worker.pid, number)
    assert all(worker.is_alive() for worker in workers())


@pytest.mark.parametrize("dataset", [Slow(), Stuck()])
def test_closing_ends_stopped_and_stuck_workers(dataset):
    batches = StreamBatches(dataset, Draw(2, CPU, 0), workers=2)
    batches._decoded = DecodedBatches(dataset, iter([{"": [0, 1]}, {"": [2, 3]}, {"": [4, 5]}]), 2)
    next(batches._decoded)
    running = workers()
    assert len(running) == 2
    os.kill(running[0].pid, signal.SIGSTOP)
    batches.close()
    assert workers() == []
    assert {worker.exitcode for worker in running} == {-signal.SIGKILL}
    batches.close()  # as often as one likes


def test_seeking_and_forgetting_end_workers_too():
    batches = StreamBatches(Slow(), Draw(2, CPU, 0), workers=1)
    batches.next()
    first = workers()
    batches.seek(0)
    batches.next()
    assert len(workers()) == 1
    assert workers() != first
    del batches
    gc.collect()
    assert workers() == []


def test_a_process_that_cannot_be_started_is_one_line(monkeypatch):
    fork = os.fork
    left = [1]

    def fail():
        if not left:
            raise OSError(11, "Resource temporarily unavailable")
        left.pop()
        return fork()

    monkeypatch.setattr(os, "fork", fail)
    batches = StreamBatches(Slow(), Draw(2, CPU, 0), workers=2)
    with pytest.raises(RunFailed, match=r"^data.workers=2: .*Resource temporarily unavailable.*\Z"):
        batches.next()
    for worker in workers():
        worker.join()
    assert batches.position == 0
