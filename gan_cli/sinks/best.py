"""The checkpoint of the step where a run was best, kept beside the last ones.

It is offered each step before `Checkpoints` is: a run killed between the two goes on from the step
before, and comes by the best again. The other way round it would go on after it.
"""

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_cli.sinks.checkpoint import Corrupt, load, save, snapshot
from gan_cli.sinks.sink import ReportSink, Run

log = logging.getLogger(__name__)

NAME = "best.pt"


class Best(ReportSink):
    """Saves the run whenever a scalar of its reports is better than ever before.

    Args:
        scalar: its name, such as `metric/fid`.
        lower: whether less is better.
        folder: where `best.pt` goes; one that lies there already has to be outdone.
        about: see `Checkpoints`.

    Attributes:
        value: the best so far; None where there is none.
        step: when that was.
    """

    vital = True

    def __init__(self, scalar: str, lower: bool, folder: Path, about: Mapping[str, Any]) -> None:
        super().__init__()
        self.scalar, self.lower = scalar, lower
        self.path, self.about = folder / NAME, dict(about)
        self.value: float | None = None
        self.step = 0
        if self.path.exists():
            self._look_up()

    def _look_up(self) -> None:
        try:
            earlier = load(self.path)
        except Corrupt as error:
            log.warning("%s; it will be written anew", error)
            return
        value, step = earlier["metrics"].get(self.scalar, math.nan), earlier["state"].get("step")
        if math.isfinite(value) and isinstance(step, int):
            self.value, self.step = value, step

    def due(self, run: Run, last: bool) -> bool:
        """Where the report has the scalar, and it is better; NaN is never better."""
        value = (run.report or {}).get(self.scalar, math.nan)
        if not math.isfinite(value):
            return False
        return self.value is None or (value < self.value if self.lower else value > self.value)

    def write(self, run: Run) -> None:
        """Save in place of the best so far.

        Raises:
            NonFinite: a weight is not finite; the best so far stays.
        """
        assert run.report is not None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save(self.path, snapshot(run, self.about))
        self.value, self.step = run.report[self.scalar], run.step
