"""How long a run takes, in steps or in minutes."""

import copy

from gan_cli.engine.duration import Duration
from tests.engine.quadratic import a_trainer


def test_steps() -> None:
    four = Duration(steps=4)
    assert [four.done(step, 1e9) for step in range(5)] == [0, 0.25, 0.5, 0.75, 1]
    assert [four.over(step, 1e9) for step in (0, 3, 4, 5)] == [False, False, True, True]
    assert str(four) == "4 steps"


def test_minutes() -> None:
    half = Duration(minutes=0.5)
    assert [half.done(0, seconds) for seconds in (0, 15, 30, 45)] == [0, 0.5, 1, 1]
    assert [half.over(10**9, seconds) for seconds in (29.9, 30)] == [False, True]
    assert str(half) == "0.5 minutes"


def test_a_run_of_minutes_ends_and_its_schedule_follows_the_clock() -> None:
    trainer, game = a_trainer(minutes=0.2 / 60)
    trainer.run()
    assert trainer.outcome == "finished"
    assert trainer.step > 0
    assert trainer.seconds >= 0.2
    assert trainer.report is not None  # the last step reports, whatever log_every is
    assert game.steps[-1].done == trainer.progress.done == 1


def test_a_run_of_minutes_goes_on_for_what_is_left() -> None:
    first, _ = a_trainer(minutes=1)
    first.play()
    state, seconds = copy.deepcopy(first.state_dict()), 59.9
    second, game = a_trainer(minutes=1)
    second.load_state_dict(state)
    second.seconds = seconds
    second.run()
    assert second.step > 1
    assert game.steps[0].done >= 59.9 / 60
    third, game = a_trainer(minutes=1)
    third.seconds = 60.0
    third.run()
    assert game.asked == []
