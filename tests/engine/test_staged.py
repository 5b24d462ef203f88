"""Schedules of recipes in stages, by hand."""

import pytest

from gan_cli.engine.schedules import Constant, Linear
from gan_cli.engine.staged import CosineRestarts, Milestones, Stages
from gan_cli.tricks.examples import Progress


def at(step: int, total: int = 100) -> Progress:
    return Progress(step, 0.0, step / total)


def test_each_stage_is_a_run_of_its_own():
    both = Stages(40, Linear(), Milestones([0.5], 0.1), factor=0.5)
    assert [both(at(step)) for step in (0, 10, 20)] == [1.0, 0.75, 0.5]
    found = [both(at(step)) for step in (40, 69, 71, 100)]
    assert found == pytest.approx([0.5, 0.5, 0.05, 0.05])


def test_a_longer_run_leaves_the_first_stage_as_it_is():
    both = Stages(40, Linear(), Linear(), factor=0.5)
    assert both(at(30)) == both(at(30, 1000)) == 0.25
    assert both(at(520, 1000)) == pytest.approx(0.25)


def test_a_run_of_one_stage():
    assert Stages(100, Constant(), Linear(), factor=0.5)(at(99)) == 1.0
    assert Stages(100, Constant(), Linear(), factor=0.5)(at(100)) == 0.0
    assert Stages(0, Linear(), Constant(), factor=0.5)(at(0)) == 0.5


def test_cosines_begin_again():
    cosine = CosineRestarts(periods=2, final=0.1)
    assert cosine(at(0)) == cosine(at(50)) == 1.0
    assert cosine(at(25)) == pytest.approx(0.55)
    assert cosine(Progress(0, 0.0, 0.4999999)) == pytest.approx(0.1, abs=1e-6)
    assert cosine(at(100)) == pytest.approx(0.1)


def test_milestones():
    steps = Milestones([0.125, 0.25, 0.5, 0.75], 0.5)
    found = [steps(at(n, 1000)) for n in (0, 125, 300, 500, 800)]
    assert found == [1.0, 0.5, 0.25, 0.125, 0.0625]
