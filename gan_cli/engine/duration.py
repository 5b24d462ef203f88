"""How long a run takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 2**53
"""Steps and samples that no run gets to."""


@dataclass(frozen=True)
class Duration:
    """So many steps, or so many minutes of training; exactly one of them is given.

    Attributes:
        steps: generator updates.
        minutes: of wall-clock time, those before an interruption included. Schedules follow the
            clock then, so two such runs are not bit for bit alike.
    """

    steps: int | None = None
    minutes: float | None = None

    def done(self, step: int, seconds: float) -> float:
        """The part that is over, in [0, 1]."""
        if self.minutes is not None:
            return min(seconds / (60.0 * self.minutes), 1.0)
        assert self.steps is not None
        return step / self.steps

    def over(self, step: int, seconds: float) -> bool:
        """Whether the run has come to its end."""
        if self.minutes is not None:
            return seconds >= 60.0 * self.minutes
        assert self.steps is not None
        return step >= self.steps

    def __str__(self) -> str:
        return f"{self.steps} steps" if self.minutes is None else f"{self.minutes:g} minutes"


def count_in(state: Mapping[str, Any], name: str) -> int:
    """How many steps or samples a saved state speaks of.

    Raises:
        KeyError, ValueError: it does not say, or no run can have come there.
    """
    value = state[name]
    if type(value) is not int or not 0 <= value < MOST:
        raise ValueError(f"{name} is {value!r:.50}")
    return value
