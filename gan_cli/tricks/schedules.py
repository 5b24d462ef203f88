"""Numbers that change while a run goes on.

Wherever a signature says `| Schedule`, a config gives a number or names a schedule in its place:
the weight of a term, the strength of a view, an optimizer's betas, the half-life of the mean of
weights. `optimizer.schedule` is a factor on learning rates. A schedule remembers nothing, so
resuming needs no state.
"""

import abc
import math
from typing import ClassVar, Literal

from gan_cli.ranges import Natural, NonNegative
from gan_cli.tricks.examples import Progress


class Schedule(abc.ABC):
    """A number that follows from how far the run is."""

    values: ClassVar[tuple[str, ...]] = ()
    """Arguments that are values of the number itself: where it stands says in which range."""

    @abc.abstractmethod
    def __call__(self, progress: Progress) -> float:
        """The number now."""


class Ramp(Schedule):
    """From one number to another over so many real images, then that other.

    It counts images, not steps: at another batch size it means the same. After a share t of the
    way, `linear` is start + t (end - start), and `cosine` has (1 - cos(pi t)) / 2 for t.

    Args:
        start: the number at first.
        end: the number from then on.
        images: how many the way takes; 0 for a jump.
        shape: of the way.
        after: how many real images are seen before it begins.
    """

    values = ("start", "end")

    def __init__(
        self,
        start: NonNegative,
        end: NonNegative,
        images: Natural,
        shape: Literal["linear", "cosine"] = "cosine",
        after: Natural = 0,
    ) -> None:
        self.start, self.end = start, end
        self.images, self.shape, self.after = images, shape, after

    def __call__(self, progress: Progress) -> float:
        """The number after `progress.images`."""
        passed = progress.images - self.after
        if passed >= self.images:
            return self.end
        share = max(passed / self.images, 0.0) if self.images else 0.0
        if self.shape == "cosine":
            share = 0.5 * (1.0 - math.cos(math.pi * share))
        return self.start + share * (self.end - self.start)


def now(value: float | Schedule, progress: Progress) -> float:
    """What a number, fixed or scheduled, is at this point of the run."""
    return progress.value_of(value) if isinstance(value, Schedule) else value
