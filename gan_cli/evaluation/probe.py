"""Measuring samples while a run goes on."""

import logging
import math
from collections.abc import Iterable, Mapping

from gan_cli.data.fields import Batch
from gan_cli.errors import UserError
from gan_cli.evaluation.evaluator import Evaluator
from gan_cli.metrics.values import BETTER, HELD_OUT, better, headline, stem
from gan_cli.spelling import nearest
from gan_cli.tricks.examples import Progress

log = logging.getLogger(__name__)

PREFIX = "metric/"


class QualityProbe:
    """A probe: metrics of samples as `metric/<name>`, of the same request each time.

    Beside each stands that of held-out reals, `held_out/<name>`, the best one can hope for.

    Nothing it draws or asks reaches the training. The one to judge the run by is logged.

    Args:
        every: steps between two measurements; there is one at the end too.
        evaluator: knows the game and the real samples.
        best: the metric that the best checkpoint goes by, see `choose`.
        earlier: reports of a run that is resumed.

    Attributes:
        names: of all scalars it will report, `metric/` included.

    Raises:
        UserError: there will be no such metric as `best`.
    """

    def __init__(
        self,
        every: int,
        evaluator: Evaluator,
        best: str = "auto",
        earlier: Iterable[Mapping[str, float]] = (),
    ) -> None:
        self.every, self._evaluator = every, evaluator
        self.names = [PREFIX + name for name in evaluator.names()]
        self._judge = self.choose(best) or self.choose("auto")
        self._record = math.inf
        for report in earlier:
            self._is_record(report)

    def due(self, step: int, last: bool) -> bool:
        """Every so many steps and at the end."""
        return last or step % self.every == 0

    def measure(
        self, progress: Progress, batch: Batch, report: Mapping[str, float]
    ) -> dict[str, float]:
        """All metrics; none where the game's numbers are not finite."""
        try:
            results = list(self._evaluator.evaluate())
        except UserError as error:
            log.warning("step %d is not measured: %s", progress.step, error)
            return {}
        found = {PREFIX + v.name: v.value for result in results for v in result.values}
        record = self._is_record(found)
        if self._judge is not None:
            name, _ = self._judge
            log.info(
                "step %d: %s %.4g%s",
                *(progress.step, name, found[name], " (best so far)" if record else ""),
            )
        reals = {HELD_OUT + v.name: v.held_out for result in results for v in result.values}
        return found | {name: value for name, value in reals.items() if value is not None}

    def choose(self, wanted: str) -> tuple[str, bool] | None:
        """The scalar that the best checkpoint goes by, and whether less of it is better.

        Args:
            wanted: a metric's name, `auto` for the one that says most (None where none says
                enough), or `none`.

        Raises:
            UserError: there will be no such metric.
        """
        names = [name.removeprefix(PREFIX) for name in self.names]
        name = headline(names) if wanted == "auto" else wanted
        if name is None or name == "none":
            return None
        if name not in names:
            raise UserError(f"evaluation.best={wanted}: not measured here{nearest(wanted, names)}")
        return PREFIX + name, better(name) == "lower"

    def _is_record(self, report: Mapping[str, float]) -> bool:
        """Whether a report is the best so far; NaN never is."""
        if self._judge is None:
            return False
        name, lower = self._judge
        value = report.get(name, math.nan) * (1 if lower else -1)
        if not value < self._record:
            return False
        self._record = value
        return True


def refuse_unknown(wanted: str) -> None:
    """Raise UserError where no run at all has the metric that `evaluation.best` names."""
    if wanted in ("auto", "none"):
        return
    try:
        stem(wanted)
    except KeyError:
        raise UserError(
            f"evaluation.best={wanted}: no such metric{nearest(wanted, BETTER)}"
        ) from None
