"""Schedules of recipes in stages, by hand."""

import pytest

from gan_cli.engine.schedules import Constant, Linear
from gan_cli.engine.staged import CosineRestarts, Milestones, Stages


def test_each_stage_is_a_run_of_its_own():
    both = Stages(0.5, Linear(), Milestones([0.5], 0.1), factor=0.5)
    assert [both(done) for done in (0.0, 0.25)] == [1.0, 0.5]
    assert [both(done) for done in (0.5, 0.74, 0.75, 1.0)] == [0.5, 0.5, 0.05, 0.05]


def test_a_stage_of_the_whole_run():
    assert Stages(1.0, Constant(), Linear(), factor=0.5)(0.999) == 1.0
    assert Stages(0.0, Linear(), Constant(), factor=0.5)(0.0) == 0.5


def test_cosines_begin_again():
    cosine = CosineRestarts(periods=2, final=0.1)
    assert cosine(0.0) == cosine(0.5) == 1.0
    assert cosine(0.25) == pytest.approx(0.55)
    assert cosine(0.4999999) == pytest.approx(0.1, abs=1e-6)
    assert cosine(1.0) == pytest.approx(0.1)


def test_milestones():
    steps = Milestones([0.125, 0.25, 0.5, 0.75], 0.5)
    assert [steps(d) for d in (0.0, 0.125, 0.3, 0.5, 0.8)] == [1.0, 0.5, 0.25, 0.125, 0.0625]
