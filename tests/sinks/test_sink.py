"""When sinks are written, and what a full disk does to them."""

import logging
from typing import Any, cast

import pytest

from gan_cli.sinks.sink import FinalSink, Run, Sink


class Full(FinalSink):
    """Finds the disk full."""

    def write(self, run: Run) -> None:
        raise OSError("No space left on device")


class Broken(FinalSink):
    def write(self, run: Run) -> None:
        raise ValueError("a mistake of ours")


class Noting(FinalSink):
    written = 0

    def write(self, run: Run) -> None:
        self.written += 1


RUN = cast(Run, cast(Any, None))


def test_a_final_sink_is_written_once_when_the_run_closes() -> None:
    sink = Noting()
    sink.offer(RUN, last=True)
    assert sink.written == 0
    sink.close(RUN)
    assert sink.written == 1


def test_a_full_disk_at_the_end_is_said_once_and_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    noting, full = Noting(), Full()
    sinks: list[Sink] = [full, noting, full]
    with caplog.at_level(logging.WARNING):
        for sink in sinks:
            sink.close(RUN)
    assert [r.message for r in caplog.records] == [
        "Full cannot be written, going on without: No space left on device"
    ]
    assert noting.written == 1


def test_a_mistake_is_not_hidden() -> None:
    with pytest.raises(ValueError, match="ours"):
        Broken().close(RUN)
