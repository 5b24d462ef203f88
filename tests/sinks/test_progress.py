"""What shows a run's progress."""

import io
import sys
from typing import Any

import pytest

from gan_cli.engine.duration import Duration
from gan_cli.sinks.progress import LogLines, ProgressBar, progress_sink


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def closed() -> io.StringIO:
    file = Terminal()
    file.close()
    return file


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [(Terminal(), ProgressBar), (io.StringIO(), LogLines), (closed(), LogLines), (None, LogLines)],
)
def test_a_bar_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch, stderr: Any, kind: type) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    sink = progress_sink(0, Duration(steps=10))
    assert type(sink) is kind
    if isinstance(sink, ProgressBar):
        sink.bar.close()
