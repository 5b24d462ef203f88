"""What shows a run's progress."""

import io
import logging
import sys
from typing import Any

import pytest

from gan_cli.engine.duration import Duration
from gan_cli.sinks.progress import LogLines, ProgressBar, progress_sinks, shown_time
from tests.sinks.fake_runs import a_run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def closed() -> io.StringIO:
    file = Terminal()
    file.close()
    return file


@pytest.mark.parametrize(
    ("stderr", "kinds"),
    [
        (Terminal(), [ProgressBar, LogLines]),
        (io.StringIO(), [LogLines]),
        (closed(), [LogLines]),
        (None, [LogLines]),
    ],
)
def test_a_bar_only_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, stderr: Any, kinds: list[type]
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    sinks = progress_sinks(0, Duration(steps=10))
    assert [type(sink) for sink in sinks] == kinds
    for sink in sinks:
        sink.finish(None)  # type: ignore[arg-type]


def reported(step: int, speed: float = 100.0) -> Any:
    report = {"loss/D/adversarial": 1.0, "loss/D/r1": 0.25, "loss/G/adversarial": 0.5}
    run = a_run(step, {**report, "speed/images_per_second": speed})
    run.duration, run.images = Duration(steps=100), step * 10
    return run


def test_the_losses_stay_above_the_bar(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    sinks = progress_sinks(0, Duration(steps=100))
    with caplog.at_level(logging.INFO):
        for step in (50, 100):
            for sink in sinks:
                sink.offer(reported(step), last=step == 100)
    for sink in sinks:
        sink.close(reported(100))
    assert caplog.messages == [
        f"step {step}/100  loss D 1.250  loss G 0.500  100 images/s  0:{left:02d} left"
        for step, left in ((50, 5), (100, 0))
    ]
    assert "100/100 step, 0:00 left, 100 images/s" in terminal.getvalue()


def test_the_bar_says_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    sink = progress_sinks(0, Duration(steps=1000))[0]
    assert isinstance(sink, ProgressBar)
    assert sink.bar.format_dict["left"] == "?"
    sink.bar.n, sink.bar.start_t = 10, sink.bar._time() - 3600
    assert sink.bar.format_dict["left"] == "99 h 00 min"
    sink.bar.n = 1000
    assert sink.bar.format_dict["left"] == "0:00"
    sink.bar.close()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(247, "4:07"), (3599.4, "59:59"), (3599.6, "1 h 00 min"), (361 * 60 + 13, "6 h 01 min")],
)
def test_long_times_are_said_in_hours(seconds: float, said: str) -> None:
    assert shown_time(seconds) == said


def test_a_line_elsewhere_says_how_long_it_takes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LogLines().offer(reported(10, speed=0.01), last=False)
    (line,) = caplog.messages
    assert line.endswith("0 images/s  25 h 00 min left")
