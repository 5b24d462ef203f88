"""Factors on the learning rate."""

import pytest

from gan_cli.engine.schedules import Constant, Cosine, Exponential, Linear
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Schedule


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), [1.0, 1.0, 1.0]),
        (Linear(), [1.0, 0.5, 0.0]),
        (Linear(start=0.5), [1.0, 1.0, 0.0]),
        (Exponential(final=0.01), [1.0, 0.1, 0.01]),
        (Exponential(final=0.01, start=0.5), [1.0, 1.0, 0.01]),
        (Cosine(), [1.0, 0.5, 0.0]),
    ],
    ids=[
        "constant",
        "linear",
        "linear from half",
        "exponential",
        "exponential from half",
        "cosine",
    ],
)
def test_at_the_start_half_way_and_the_end(schedule: Schedule, expected: list[float]) -> None:
    assert [schedule(Progress(0, 0.0, done)) for done in (0.0, 0.5, 1.0)] == pytest.approx(expected)


def test_linear_from_the_very_end_is_constant() -> None:
    assert Linear(start=1.0)(Progress(0, 0.0, 1.0)) == 1.0
