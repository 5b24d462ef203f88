"""Which of a run's many grids a film, or a page, shows."""

from collections.abc import Sequence

LONGEST = 100
"""Frames of a film; of more grids it takes an even choice, with the first and the last."""


def thin(steps: Sequence[int], most: int = LONGEST) -> list[int]:
    """At most `most` of `steps`, evenly over their places, with the first and the last."""
    if len(steps) <= most:
        return list(steps)
    return [steps[round(i * (len(steps) - 1) / (most - 1))] for i in range(most)]
