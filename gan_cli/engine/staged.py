"""Learning-rate schedules of recipes in stages; like all, functions of the share that is done."""

import math
from collections.abc import Sequence

from gan_cli.engine.schedules import Schedule
from gan_cli.ranges import Count, Positive, Probability


class Stages(Schedule):
    """One schedule up to a share of the run, another over the rest, each as over a run of its own.

    Args:
        switch: the share that the first takes.
        first: its schedule.
        second: the other's.
        factor: of the second's rate, over that of the first.
    """

    def __init__(
        self, switch: Probability, first: Schedule, second: Schedule, factor: Positive = 1.0
    ) -> None:
        self.switch, self.first, self.second, self.factor = switch, first, second, factor

    def __call__(self, done: float) -> float:
        """The factor of the stage that is on."""
        if done < self.switch:
            return self.first(done / self.switch)
        rest = (done - self.switch) / (1.0 - self.switch) if self.switch < 1.0 else 1.0
        return self.factor * self.second(rest)


class CosineRestarts(Schedule):
    """Half a cosine from 1 to `final`, again and again (SGDR, Loshchilov & Hutter 2017, eq. 5).

    Args:
        periods: how often.
        final: factor at the end of each.
    """

    def __init__(self, periods: Count = 4, final: Probability = 0.0) -> None:
        self.periods, self.final = periods, final

    def __call__(self, done: float) -> float:
        """1 where a period begins."""
        place = min(done, 1.0) * self.periods % 1.0 if done < 1.0 else 1.0
        return self.final + (1.0 - self.final) * 0.5 * (1.0 + math.cos(math.pi * place))


class Milestones(Schedule):
    """Down by a factor at certain shares of the run.

    Args:
        at: the shares.
        factor: at each.
    """

    def __init__(self, at: Sequence[Probability] = (0.5, 0.75), factor: Positive = 0.5) -> None:
        self.at, self.factor = at, factor

    def __call__(self, done: float) -> float:
        """`factor` to the power of how many are behind."""
        return self.factor ** sum(done >= share for share in self.at)
