"""Learning-rate schedules of recipes in stages."""

import math
from collections.abc import Sequence

from gan_cli.ranges import Count, Natural, Positive, Probability
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Schedule


class Stages(Schedule):
    """One schedule up to a step, another over the rest, each as over a run of its own.

    Args:
        switch: the step with which the second begins.
        first: the schedule before.
        second: the one after.
        factor: of the second's rate, over that of the first.
    """

    def __init__(
        self, switch: Natural, first: Schedule, second: Schedule, factor: Positive = 1.0
    ) -> None:
        self.switch, self.first, self.second, self.factor = switch, first, second, factor

    def __call__(self, progress: Progress) -> float:
        """The factor of the stage that is on."""
        step = progress.step
        if step < self.switch:
            return self.first(progress._replace(done=step / self.switch))
        before = progress.done * self.switch / step if step else 0.0  # share of the first stage
        rest = (progress.done - before) / (1.0 - before) if before < 1.0 else 1.0
        return self.factor * self.second(progress._replace(done=rest))


class CosineRestarts(Schedule):
    """Half a cosine from 1 to `final`, again and again (SGDR, Loshchilov & Hutter 2017, eq. 5).

    Args:
        periods: how often.
        final: factor at the end of each.
    """

    def __init__(self, periods: Count = 4, final: Probability = 0.0) -> None:
        self.periods, self.final = periods, final

    def __call__(self, progress: Progress) -> float:
        """1 where a period begins."""
        place = progress.done * self.periods % 1.0 if progress.done < 1.0 else 1.0
        return self.final + (1.0 - self.final) * 0.5 * (1.0 + math.cos(math.pi * place))


class Milestones(Schedule):
    """Down by a factor at certain shares of the run.

    Args:
        at: the shares.
        factor: at each.
    """

    def __init__(self, at: Sequence[Probability] = (0.5, 0.75), factor: Positive = 0.5) -> None:
        self.at, self.factor = at, factor

    def __call__(self, progress: Progress) -> float:
        """`factor` to the power of how many are behind."""
        return self.factor ** sum(progress.done >= share for share in self.at)
