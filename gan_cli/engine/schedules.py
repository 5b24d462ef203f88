"""Learning-rate schedules: a factor in [0, 1] from the share of the run that is done.

A longer run simply stretches them. One that counts images instead is `tricks.schedules.Ramp`.
"""

import math

from gan_cli.ranges import Positive, Probability
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Schedule


class Constant(Schedule):
    """The rate stays as it is."""

    def __call__(self, progress: Progress) -> float:
        """1, whatever is done."""
        return 1.0


class Linear(Schedule):
    """Constant until `start` (share of the run), then in a straight line to zero at the end.

    WGAN-GP and SNGAN train their ResNets with `start=0` (Gulrajani et al. 2017, appendix F).
    """

    def __init__(self, start: Probability = 0.0) -> None:
        self.start = start

    def __call__(self, progress: Progress) -> float:
        """1 up to `start`, 0 at the end."""
        if progress.done <= self.start:
            return 1.0
        return max(0.0, (1.0 - progress.done) / (1.0 - self.start))


class Exponential(Schedule):
    """Constant until `start` (share of the run), then down to `final` by equal factors."""

    def __init__(self, final: Positive = 0.01, start: Probability = 0.0) -> None:
        self.final, self.start = final, start

    def __call__(self, progress: Progress) -> float:
        """1 up to `start`, `final` at the end."""
        if progress.done <= self.start:
            return 1.0
        return float(self.final ** ((progress.done - self.start) / (1.0 - self.start)))


class Cosine(Schedule):
    """Half a cosine from 1 to zero, without restarts (Loshchilov & Hutter 2017, eq. 5)."""

    def __call__(self, progress: Progress) -> float:
        """(1 + cos(pi done)) / 2."""
        return 0.5 * (1.0 + math.cos(math.pi * min(progress.done, 1.0)))
