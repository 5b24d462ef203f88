"""What is not finite: no weight learns from it, and no checkpoint is lost to it."""

import copy

import pytest
import torch

from gan_cli.data.fields import Batch
from gan_cli.errors import NonFinite, RunFailed
from gan_cli.sinks.sink import Run, Sink
from tests.conftest import narrow
from tests.engine.quadratic import a_trainer
from tests.engine.test_gpu_rules import open_trainer
from tests.settings import settings_of


class Reports(Sink):
    """All reports."""

    def __init__(self) -> None:
        super().__init__(every=1)
        self.seen: list[dict[str, float]] = []

    def write(self, run: Run) -> None:
        if run.report is not None:
            self.seen.append(run.report)


class States(Sink):
    """Which steps a vital sink was told to write, and whether as the last."""

    vital = True

    def __init__(self) -> None:
        super().__init__(every=0)
        self.offered: list[tuple[int, bool]] = []

    def offer(self, run: Run, last: bool) -> None:
        self.offered.append((run.step, last))

    def write(self, run: Run) -> None:
        pass


def test_nan_stops_before_the_optimizer_steps() -> None:
    trainer, game = a_trainer()
    game.poison = lambda player, step: player == "generator" and step == 2
    with pytest.raises(NonFinite, match=r"loss/G/pull and loss/G/other are not finite in step 2"):
        trainer.run()
    assert game.own["generator"].weight.isfinite().all()
    assert trainer.step == 2


def test_nan_may_skip_the_turn(caplog: pytest.LogCaptureFixture) -> None:
    trainer, game = a_trainer(on_nan="skip")
    game.poison = lambda player, step: player == "discriminator" and step == 2
    trainer.run()
    assert trainer.outcome == "finished"
    assert game.own["discriminator"].weight.item() == 1 - 0.5**3
    assert "turn skipped" in caplog.text


@pytest.mark.parametrize("model", ["dcgan", "stylegan2"])
def test_a_skipped_turn_leaves_no_trace_in_means_and_statistics(model: str) -> None:
    """BatchNorm's in D and G, the mean style: else no later checkpoint could be saved."""
    given = ["data.limit=16", "data.batch_size=4", "trainer.on_nan=skip", *narrow(model)]
    trainer = open_trainer(settings_of(f"model={model}", *given))
    trainer._finite.deferred = False
    trainer.play()
    before = {name: x.clone() for name, x in trainer.game.named_buffers()}
    draw = trainer._draw_batches

    def broken() -> list[Batch]:
        return [{**batch, "image": batch["image"] * float("nan")} for batch in draw()]

    trainer._draw_batches = broken  # type: ignore[method-assign]
    trainer.players = trainer.turns.players = trainer.players[:1]  # G sees no real image
    trainer.play()
    assert trainer.skips
    after = dict(trainer.game.named_buffers())
    assert before.keys() == after.keys()
    assert [name for name, x in before.items() if not torch.equal(x, after[name])] == []


def test_nothing_but_nan_is_not_skipped_for_ever() -> None:
    trainer, game = a_trainer(on_nan="skip", steps=1000)
    game.poison = lambda player, step: True
    with pytest.raises(NonFinite):
        trainer.run()
    assert trainer.step < 20


def test_nan_may_go_back_to_the_last_checkpoint_with_other_randomness() -> None:
    trainer, game = a_trainer(on_nan="rollback")
    saved = copy.deepcopy(trainer.state_dict())
    trainer.rollback = lambda: trainer.load_state_dict(saved)
    game.poison = lambda player, step: step == 2 and trainer.attempt < 2
    reports = Reports()
    trainer.sinks = [reports]
    trainer.run()
    assert trainer.outcome == "finished"
    assert trainer.attempt == 2
    assert game.own["discriminator"].weight.item() == 1 - 0.5**4
    assert (trainer.step, trainer.images) == (4, 8)
    assert all(report["speed/images_per_second"] > 0 for report in reports.seen)
    assert [report["loss/D/pull"] for report in reports.seen] == [5 / 8, 5 / 8, 5 / 8, 5 / 128]
    game.poison = lambda player, step: True
    trainer.step = 0
    with pytest.raises(NonFinite):
        trainer.run()


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_finite_loss_with_a_gradient_that_is_not(player: str) -> None:
    trainer, game = a_trainer()
    game.poison_gradient = lambda name, step: name == player and step == 2
    symbol = player[0].upper()
    with pytest.raises(NonFinite, match=rf"^grad_norm/{symbol} is not finite in step 2$"):
        trainer.run()
    assert game.own[player].weight.isfinite().all()
    assert trainer.step == 2


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_one_player_s_nan_is_not_skipped_for_ever_though_the_other_learns(player: str) -> None:
    trainer, game = a_trainer(on_nan="skip", steps=1000)
    game.poison = lambda name, step: name == player and step >= 3
    with pytest.raises(NonFinite):
        trainer.run()
    assert trainer.step == 3 + 10  # ten are skipped


def test_a_turn_that_can_be_taken_begins_the_count_anew() -> None:
    trainer, game = a_trainer(on_nan="skip", steps=100)
    game.poison = lambda name, step: name == "discriminator" and step % 10 > 0
    trainer.run()
    assert trainer.outcome == "finished"


def test_going_back_finds_no_checkpoint() -> None:
    trainer, game = a_trainer(on_nan="rollback")
    game.poison = lambda player, step: step == 1
    with pytest.raises(NonFinite, match="not finite"):
        trainer.run()


def test_going_back_does_not_undo_the_number_of_attempts() -> None:
    """Each checkpoint has been saved at attempt 0; other randomness is tried all the same."""
    trainer, game = a_trainer(on_nan="rollback", steps=1000)
    saved = copy.deepcopy(trainer.state_dict())
    trainer.rollback = lambda: trainer.load_state_dict(copy.deepcopy(saved))
    attempts = []
    game.poison = lambda player, step: step == 1 and not attempts.append(trainer.attempt)
    with pytest.raises(NonFinite):
        trainer.run()
    assert attempts == list(range(11))


@pytest.mark.parametrize(("fails_at", "step"), [(0, 0), (4, 2)])
def test_batches_that_cannot_be_read_leave_the_last_whole_step(fails_at: int, step: int) -> None:
    trainer, _ = a_trainer()
    states, other = States(), Reports()
    trainer.sinks = [other, states]
    trainer.batches.fails_at = fails_at  # type: ignore[attr-defined]
    with pytest.raises(RunFailed, match="a worker died"):
        trainer.run()
    assert states.offered[-1] == (step, True)
    assert trainer.batches.position == 2 * step


def test_batches_that_fail_within_a_step_are_put_back() -> None:
    trainer, _ = a_trainer(n_critic=3)
    trainer.batches.fails_at = 10  # type: ignore[attr-defined]  # the third batch of step 1
    states = States()
    trainer.sinks = [states]
    with pytest.raises(RunFailed):
        trainer.run()
    assert states.offered[-1] == (1, True)
    assert trainer.batches.position == 6
    assert trainer.state_dict()["position"] == 6
