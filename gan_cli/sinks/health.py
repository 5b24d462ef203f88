"""Warnings in the log when a run turns unhealthy, and one line on its health at the end."""

import logging
from collections.abc import Callable, Iterable, Mapping

from gan_cli.health.symptoms import SYMPTOMS, Symptom, Watch
from gan_cli.sinks.sink import ReportSink, Run

log = logging.getLogger(__name__)


class HealthWarnings(ReportSink):
    """Says each symptom once, in words, with a command that usually helps.

    Args:
        advise: what usually helps, as one line; empty where nothing is known to.
        earlier: reports of a run that is resumed; what they showed is not said again.
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
            said = f"{symptom.says.format(**self.watch.means)}. {self.advise(symptom)}"
            log.warning("step %d: %s", run.step, said.rstrip())

    def finish(self, run: Run) -> None:
        """Sum up."""
        log.info("health: %s", summarise(self.watch))


def summarise(watch: Watch) -> str:
    """How a run was, in one line."""
    means = watch.means
    parts = []
    right = {"accuracy_real": "real", "accuracy_fake": "fake", "accuracy_held_out": "held-out"}
    rates = [f"{means[sign]:.0%} of {kind}" for sign, kind in right.items() if sign in means]
    if rates:
        parts.append(f"D is right on {', '.join(rates)} images")
    numbers = ("diversity", "uniqueness", "overfitting")
    parts += [f"{sign} {means[sign]:.2f}" for sign in numbers if sign in means]
    return "; ".join([*parts, _conclude(watch)])


def _conclude(watch: Watch) -> str:
    """The warnings there were, or that there were none, and those that there cannot be."""
    if watch.too_early:
        return "too early to tell"
    found = []
    for symptom, step in watch.found.items():
        end = watch.ended(symptom)
        found.append(f"{symptom.name} from step {step}" + ("" if end is None else f" to {end}"))
    missing = [symptom.name for symptom in watch.unmeasured]
    said = [] if len(missing) == len(SYMPTOMS) else [", ".join(found) or "no warnings"]
    return "; ".join([*said, *([f"not measured: {', '.join(missing)}"] if missing else [])])
