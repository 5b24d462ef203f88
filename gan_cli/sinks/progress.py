"""What becomes of the losses, a line a report, above a progress bar where there is a terminal."""

import logging
import sys
from typing import Any

from tqdm import tqdm

from gan_cli.sinks.sink import Length, ReportSink, Run, Sink

log = logging.getLogger(__name__)


def _losses(report: dict[str, float]) -> dict[str, float]:
    """Each player's whole loss, `{"D": ..., "G": ...}`."""
    whole: dict[str, float] = {}
    for name, value in report.items():
        if name.startswith("loss/"):
            player = name.split("/")[1]
            whole[player] = whole.get(player, 0.0) + value
    return whole


class Bar(tqdm):
    """A bar that says in words how long it takes."""

    @property
    def format_dict(self) -> dict[str, Any]:
        """What `bar_format` may name, and `left`."""
        found = dict(super().format_dict)
        done = found["n"] - found["initial"]
        rate = found["rate"] or (done / found["elapsed"] if found["elapsed"] else 0.0)
        left = shown_time((found["total"] - found["n"]) / rate) if rate else "?"
        return found | {"left": left}


class ProgressBar(Sink):
    """Step, images per second and time left, on stderr, below the lines of the log."""

    def __init__(self, step: int, duration: Length) -> None:
        super().__init__(every=1)
        self.by_clock = duration.steps is None
        self.bar = Bar(
            total=duration.steps or round(60 * (duration.minutes or 0)),
            initial=0 if self.by_clock else step,
            unit="s" if self.by_clock else "step",
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {unit}, {left} left{postfix}",
            dynamic_ncols=True,
            smoothing=0.05,
            leave=True,
        )

    def write(self, run: Run) -> None:
        """Move on."""
        at = int(run.seconds) if self.by_clock else run.step
        self.bar.update(min(at, self.bar.total) - self.bar.n)
        if run.report:
            speed = run.report["speed/images_per_second"]
            self.bar.set_postfix_str(f"{speed:.0f} images/s", refresh=False)

    def finish(self, run: Run) -> None:
        """Leave the bar as it is."""
        self.bar.close()


class LogLines(ReportSink):
    """One line per report, which stays."""

    def write(self, run: Run) -> None:
        """Log it."""
        assert run.report is not None
        speed = run.report["speed/images_per_second"]
        losses = "  ".join(f"loss {k} {v:.3f}" for k, v in _losses(run.report).items())
        total = f"/{run.duration.steps}" if run.duration.steps else ""
        log.info(
            "step %d%s  %s  %.0f images/s  %s left",
            *(run.step, total, losses, speed, shown_time(_seconds_left(run, speed))),
        )


def _seconds_left(run: Run, speed: float) -> float:
    """At `speed`, in images per second, or by the clock."""
    if run.duration.steps is None:
        return max(60 * (run.duration.minutes or 0) - run.seconds, 0)
    return (run.duration.steps - run.step) * run.images / run.step / max(speed, 1e-9)


def shown_time(seconds: float) -> str:
    """As short as it can be read: 4:07, or 6 h 01 min."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def progress_sinks(step: int, duration: Length) -> list[Sink]:
    """A line per report; and a bar where stderr, which may be nowhere, is a terminal."""
    stderr = sys.stderr
    watched = stderr is not None and not stderr.closed and stderr.isatty()
    bar = [ProgressBar(step, duration)] if watched else []
    return [*bar, LogLines()]
