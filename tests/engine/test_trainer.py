"""The loop: turns, gradients only where they are needed, reports, sinks."""

import signal
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import nn

from gan_cli.data.fields import Batch
from gan_cli.engine.ema import EMA
from gan_cli.errors import RunFailed
from gan_cli.sinks.sink import Run, Sink
from gan_cli.tricks.base import StepHook
from gan_cli.tricks.examples import Progress
from tests.engine.quadratic import a_trainer


class Noting(Sink):
    def __init__(self, every: int) -> None:
        super().__init__(every)
        self.steps: list[int] = []
        self.reports: list[dict[str, float] | None] = []

    def write(self, run: Run) -> None:
        self.steps.append(run.step)
        self.reports.append(run.report)


def test_players_take_turns_on_the_batches_of_the_step() -> None:
    trainer, game = a_trainer(n_critic=3)
    trainer.play()
    trainer.play()
    assert [(player[0], batch) for player, batch, _ in game.asked] == [
        *[("d", 2.0), ("d", 4.0), ("d", 6.0), ("g", 6.0)],
        *[("d", 8.0), ("d", 10.0), ("d", 12.0), ("g", 12.0)],
    ]


def test_a_player_may_rest() -> None:
    """G in the second step; the batches are drawn all the same."""
    trainer, game = a_trainer(n_critic=2)
    game.rests = lambda player, step: (player, step) == ("generator", 1)
    for _ in range(3):
        trainer.play()
    assert [player[0] for player, _, _ in game.asked] == [*"ddg", *"dd", *"ddg"]
    assert trainer.batches.position == 12


def test_only_the_player_at_turn_has_gradients() -> None:
    trainer, game = a_trainer()
    trainer.play()
    assert [wanted for _, _, wanted in game.asked] == [[True, False], [False, True]]


def test_closed_form() -> None:
    """SGD at rate 1/4 on (w - 1)^2 halves the distance each step: w = 1 - 2^-n."""
    trainer, game = a_trainer()
    trainer.run()
    assert game.own["discriminator"].weight.item() == 1 - 0.5**4


def test_rates_follow_each_players_schedule() -> None:
    trainer, _ = a_trainer()
    trainer.run()
    assert trainer.players[0].lr == 0.25
    assert trainer.players[1].lr == pytest.approx(0.25 * (1 - 3 / 4))


def test_reports_are_means_between_log_lines() -> None:
    """Distances squared 1, 1/4, 1/16, 1/64: means 5/8 and 5/128."""
    trainer, _ = a_trainer()
    noting = Noting(every=1)
    trainer.sinks = [noting]
    trainer.run()
    means = [r and r["loss/D/pull"] for r in noting.reports]
    assert means == [None, 5 / 8, None, 5 / 128]
    assert {"grad_norm/D", "lr/G", "score/real", "loss/G/other"} <= trainer.last_report.keys()


def test_gradient_norm_is_that_of_the_step_that_logs() -> None:
    """|2 (w - 1)| in the second step, where w = 1/2."""
    trainer, _ = a_trainer()
    trainer.play()
    trainer.play()
    assert trainer._meter.read()["grad_norm/D"] == 1.0


class Noticing:
    """A probe: what it was shown of steps 1 and 4."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, float, bool]] = []

    def due(self, step: int, last: bool) -> bool:
        return step in (1, 4)

    def measure(
        self, progress: Progress, batch: Batch, report: Mapping[str, float]
    ) -> dict[str, float]:
        self.shown.append((progress.step, float(batch["image"][0]), "loss/D/pull" in report))
        return {"metric/luck": 7.0}


def test_what_probes_see_joins_the_report_and_makes_one_where_there_is_none() -> None:
    """Distances squared 1; then 1/4 alone, since a report ends an interval; then 1/16 and 1/64."""
    trainer, _ = a_trainer()
    noting, probe = Noting(every=1), Noticing()
    trainer.sinks, trainer.probes = [noting], [probe]
    trainer.run()
    assert probe.shown == [(1, 2.0, True), (4, 8.0, True)]
    assert [r and r["loss/D/pull"] for r in noting.reports] == [1, 1 / 4, None, 5 / 128]
    assert [r and r.get("metric/luck") for r in noting.reports] == [7, None, None, 7]
    assert trainer.last_report["metric/luck"] == 7


def test_sinks_write_when_they_are_due_and_at_the_end() -> None:
    trainer, _ = a_trainer(steps=5)
    trainer.sinks = [Noting(2), Noting(0), Noting(3)]
    trainer.run()
    assert [sink.steps for sink in trainer.sinks] == [[2, 4, 5], [], [3, 5]]  # type: ignore[attr-defined]


def test_a_signal_while_sinks_write_still_gets_its_last_writing() -> None:
    """Whenever it comes, the last step made is the last step written."""

    class Signalled(Noting):
        def write(self, run: Run) -> None:
            super().write(run)
            if run.step == 1:
                trainer.interrupts.stop = signal.SIGTERM

    trainer, _ = a_trainer()
    trainer.sinks = [Signalled(1), Noting(3)]
    trainer.run()
    assert trainer.outcome == "SIGTERM"
    assert [sink.steps for sink in trainer.sinks] == [[1, 2], [2]]  # type: ignore[attr-defined]


def test_a_sink_that_cannot_write_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    """Without grids or curves a run goes on; 3: without checkpoints it does not."""

    class Full(Noting):
        def write(self, run: Run) -> None:
            raise OSError(28, "No space left on device")

    trainer, _ = a_trainer()
    trainer.sinks = [Full(1)]
    trainer.run()
    assert trainer.outcome == "finished"
    assert caplog.text.count("No space left") == 1
    trainer, _ = a_trainer()
    trainer.sinks = [Full(1)]
    trainer.sinks[0].vital = True
    with pytest.raises(RunFailed, match="No space left"):
        trainer.run()


def test_randomness_depends_on_seed_attempt_step_and_nothing_else() -> None:
    def numbers(attempt: int = 0, **options: Any) -> list[float]:
        trainer, game = a_trainer(**options)
        trainer.attempt = attempt
        torch.rand(17)
        trainer.run()
        return game.drawn

    assert numbers() == numbers()
    assert len(set(numbers())) == 8
    assert numbers() != numbers(seed=1)
    assert numbers() != numbers(attempt=1)


def test_the_average_follows_the_generator() -> None:
    average = EMA(decay=0.5, warm_up=False)
    trainer, game = a_trainer(average=average, steps=2)
    average.attach(game.averaged)
    weights = []
    while trainer.step < 2:
        trainer.play()
        weights.append(game.own["generator"].weight.item())
    expected = 0.5 * (0.5 * 0 + 0.5 * weights[0]) + 0.5 * weights[1]
    assert average.networks[0].weight.item() == pytest.approx(expected)


def test_hooks_stand_around_the_step() -> None:
    seen = []

    class Hook(StepHook):
        def before_step(self, parameters: Sequence[nn.Parameter]) -> None:
            seen.append(parameters[0].item())

        def after_step(self, parameters: Sequence[nn.Parameter]) -> None:
            seen.append(parameters[0].item())

    trainer, game = a_trainer()
    trainer.players[0].hooks = [(Hook(), [*game.own["discriminator"].parameters()])]
    trainer.play()
    assert seen == [0.0, 0.5]


def test_a_game_hears_of_each_step() -> None:
    trainer, game = a_trainer()
    trainer.run()
    assert [progress.step for progress in game.steps] == [1, 2, 3, 4]
    assert [progress.done for progress in game.steps] == [0.25, 0.5, 0.75, 1.0]


def test_an_optimizer_forgets_where_the_game_says_so() -> None:
    """D's after the second step: its next step is as if it were the first, G's is not."""
    trainer, game = a_trainer()
    for player in trainer.players:
        player.optimizer = torch.optim.Adam(player.parameters)
    game.forgetful = lambda before, now: ["discriminator"] if now.step == 2 else []
    for _ in range(3):
        trainer.play()
    steps = [int(s["step"]) for p in trainer.players for s in p.optimizer.state.values()]
    assert steps == [1, 3]


def test_waiting_for_the_device_is_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked of a GPU is done by the next report, and takes its time."""
    trainer, _ = a_trainer(log_every=2, steps=4)
    clock = iter(range(1000))
    monkeypatch.setattr("gan_cli.engine.trainer.time.monotonic", lambda: next(clock))
    settle, slow = trainer._finite.settle, 100

    def waiting() -> None:
        for _ in range(slow):
            next(clock)
        settle()

    monkeypatch.setattr(trainer._finite, "settle", waiting)
    reports = []
    for _ in range(4):
        seen = trainer.play()
        report = trainer._make_report(seen, last=False)
        reports += [] if report is None else [report]
    assert trainer.seconds == 4 * 1 + 2 * (slow + 1)
    assert [r["speed/images_per_second"] for r in reports] == [4 / (2 + slow + 1)] * 2
