"""A progress bar on a terminal, plain lines elsewhere."""

import logging
import sys

from tqdm import tqdm

from gan_cli.sinks.sink import ReportSink, Run, Sink

log = logging.getLogger(__name__)


def _losses(report: dict[str, float]) -> dict[str, float]:
    """Each player's whole loss, `{"D": ..., "G": ...}`."""
    whole: dict[str, float] = {}
    for name, value in report.items():
        if name.startswith("loss/"):
            player = name.split("/")[1]
            whole[player] = whole.get(player, 0.0) + value
    return whole


class ProgressBar(Sink):
    """Step, losses, images per second and time left, on stderr."""

    def __init__(self, step: int, steps: int) -> None:
        super().__init__(every=1)
        self.bar = tqdm(
            total=steps, initial=step, unit="step", dynamic_ncols=True, smoothing=0.05, leave=True
        )

    def write(self, run: Run) -> None:
        """Move on."""
        self.bar.update(run.step - self.bar.n)
        if run.report:
            shown = {f"loss {k}": f"{v:.3f}" for k, v in _losses(run.report).items()}
            self.bar.set_postfix(
                shown | {"img/s": f"{run.report['speed/images_per_second']:.0f}"}, refresh=False
            )

    def finish(self, run: Run) -> None:
        """Leave the bar as it is."""
        self.bar.close()


class LogLines(ReportSink):
    """One line per report."""

    def write(self, run: Run) -> None:
        """Log it."""
        assert run.report is not None
        speed = run.report["speed/images_per_second"]
        per_step = run.images / run.step
        left = round((run.steps - run.step) * per_step / max(speed, 1e-9))
        losses = "  ".join(f"loss {k} {v:.3f}" for k, v in _losses(run.report).items())
        log.info(
            "step %d/%d  %s  %.0f images/s  %d:%02d left",
            *(run.step, run.steps, losses, speed, *divmod(left, 60)),
        )


def progress(step: int, steps: int) -> Sink:
    """Whichever suits where stderr goes."""
    return ProgressBar(step, steps) if sys.stderr.isatty() else LogLines()
