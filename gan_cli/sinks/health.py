"""Warnings in the log when a run falls ill, and one line on its health at the end."""

import logging
from collections.abc import Callable, Iterable, Mapping

from gan_cli.health.symptoms import Symptom, Watch
from gan_cli.sinks.sink import ReportSink, Run

log = logging.getLogger(__name__)


class Health(ReportSink):
    """Says each symptom once, in words, with a command that usually helps.

    Args:
        advise: what usually helps, as one line.
        earlier: reports of a run that is gone on with; what they showed is not said again.
    """

    def __init__(
        self, advise: Callable[[Symptom], str], earlier: Iterable[Mapping[str, float]] = ()
    ) -> None:
        super().__init__()
        self.watch, self.advise = Watch(), advise
        for report in earlier:
            self.watch.read(int(report["step"]), report)

    def write(self, run: Run) -> None:
        """Warn of what this report brings to light."""
        assert run.report is not None
        for symptom in self.watch.read(run.step, run.report):
            said = symptom.says.format(**self.watch.means)
            log.warning("step %d: %s. %s", run.step, said, self.advise(symptom))

    def finish(self, run: Run) -> None:
        """Sum up."""
        log.info("health: %s", summarise(self.watch))


def summarise(watch: Watch) -> str:
    """How a run was, in one line."""
    means = watch.means
    parts = []
    right = {"accuracy_real": "real", "accuracy_fake": "fake", "accuracy_held_out": "held-out"}
    shares = [f"{means[sign]:.0%} of {kind}" for sign, kind in right.items() if sign in means]
    if shares:
        parts.append(f"D is right on {', '.join(shares)} pictures")
    numbers = ("diversity", "uniqueness", "overfitting")
    parts += [f"{sign} {means[sign]:.2f}" for sign in numbers if sign in means]
    found = [f"{symptom.name} from step {step}" for symptom, step in watch.found.items()]
    return "; ".join([*parts, ", ".join(found) or "no warnings"])
