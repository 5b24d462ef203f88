"""Steps that are recorded once and replayed do what they would have done.

A stand-in for CUDA graphs records as they do: from a recording on, nothing hears of the step's own
progress, batches and rates but by what is copied in. What only a GPU shows is in `test_gpu.py`.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy
import pytest
import torch

from gan_cli.engine import graphs
from gan_cli.engine.graphs import Graphs
from gan_cli.engine.noting import Noting, fits
from gan_cli.engine.trainer import Trainer
from gan_cli.engine.turns import Taken
from gan_cli.errors import NonFinite, RunFailed, UserError
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Ramp, now
from tests.conftest import data_of, narrow, options
from tests.engine.quadratic import a_trainer
from tests.engine.test_gpu_rules import open_trainer
from tests.runs.resuming import NEEDS, assert_equal
from tests.settings import settings_of

STEPS = 9
WARM = graphs.WARM_UP


class Recorder:
    """Plays again what was recorded, as it was: with the progress and the tensors of then."""

    device = torch.device("cpu")

    @contextmanager
    def apart(self) -> Iterator[None]:
        yield

    @contextmanager
    def waits(self) -> Iterator[list[str]]:
        yield []

    def frozen(self) -> tuple[float, ...]:
        return ()

    def begin_anew(self) -> None:
        pass

    def record(self, play: Callable[[], list[Taken]]) -> tuple[list[Taken], Callable[[], None]]:
        taken: list[Taken] = []

        def replay() -> None:
            taken[:] = play()

        return taken, replay


def recorded(trainer: Trainer) -> Graphs:
    trainer.graphs = Graphs(trainer.game, trainer.players, Recorder())  # type: ignore[arg-type]
    return trainer.graphs


def check(*overrides: str, fewest: int = 3) -> Graphs:
    """The same run twice: as it is, and with recordings."""
    given = "data.limit=64", "data.batch_size=4", "trainer.log_every=100", f"trainer.steps={STEPS}"
    settings = settings_of(*given, *overrides)
    plain, other = open_trainer(settings), open_trainer(settings)
    for player in plain.players:  # rates of the same precision
        player.keep_rates_on(torch.device("cpu"))
    found = recorded(other)
    for _ in range(STEPS):
        plain.play()
        other.play()
    reports = [trainer._make_report({}, last=True) for trainer in (plain, other)]
    for report in reports:
        assert report is not None
        report.pop("speed/images_per_second")
    assert reports[0] == reports[1]
    assert_equal(plain.state_dict(), other.state_dict())
    assert found.replays >= fewest, found.refused
    return found


GAMES = {
    *("vanilla", "dcgan_r1", "began", "bigan", "cyclegan", "hifigan_small", "infogan", "lapgan"),
    *("pix2pix", "progan", "r3gan", "srgan", "stylegan2", "vaegan", "vqgan"),
}
"""One model a game; the others are in the slow tier."""


@pytest.mark.parametrize(
    "model",
    [pytest.param(m, marks=[pytest.mark.slow] * (m not in GAMES)) for m in options("model")],
)
def test_models(model: str) -> None:
    optimizer = ["optimizer=adam"] if model in ("wgan", "vaegan") else []  # RMSprop is not fused
    # these grow or fill a store at first, and count meanwhile
    counts = model in ("progan", "cyclegan")
    check(
        *(f"model={model}", *data_of(model), *narrow(model), *optimizer), fewest=0 if counts else 3
    )


@pytest.mark.parametrize("trick", options("tricks"))
def test_tricks(trick: str) -> None:
    needs = NEEDS.get(trick, [])
    model = next((n.removeprefix("model=") for n in needs if n.startswith("model=")), "dcgan")
    stores = trick in ("experience_replay", "image_pool")
    keys = f"model={model}", *narrow(model), f"tricks=[{trick}]", *needs
    check(*keys, fewest=0 if stores else 3)


def test_a_store_that_is_full_counts_no_more() -> None:
    keys = "model=dcgan", *narrow("dcgan"), "tricks=[image_pool]"
    assert check(*keys, "tricks.image_pool.size=8").replays == STEPS - 2 - WARM


def test_lazy_terms_are_kinds_of_their_own() -> None:
    found = check("model=dcgan_r1", *narrow("dcgan_r1"))
    kinds = {kind.answers["due", 8]: kind.replay is not None for kind in found._kinds}
    assert kinds == {False: True, True: False}


def test_weights_that_move_are_not_recorded_before_they_stay() -> None:
    """A ramp over 4 of 9 steps; the third step after it is the last that is played."""
    ramp = "{_target_: gan_cli.tricks.schedules.Ramp, start: 1, end: 2, images: 16}"
    keys = "model=dcgan", *narrow("dcgan"), "tricks=[drift]", f"tricks.drift.weight={ramp}"
    assert check(*keys, fewest=2).replays == STEPS - 4 - WARM


def test_rates_follow_their_schedule() -> None:
    keys = "model=dcgan", *narrow("dcgan"), "optimizer/schedule=cosine"
    assert check(*keys).replays == STEPS - WARM


@contextmanager
def said(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    lines: list[str] = []
    with caplog.at_level("INFO", logger="gan_cli.engine.graphs"):
        yield lines
    lines += [record.getMessage() for record in caplog.records if "CUDA" in record.getMessage()]


def play(trainer: Trainer, steps: int) -> None:
    for _ in range(steps):
        trainer.play()


class Failing(Recorder):
    def record(self, play: Callable[[], list[Taken]]) -> tuple[list[Taken], Callable[[], None]]:
        raise RuntimeError("operation not permitted\nand more")


class Drawing(Recorder):
    def frozen(self) -> tuple[float, ...]:
        return (torch.rand(()).item(),)


class Waiting(Recorder):
    @contextmanager
    def waits(self) -> Iterator[list[str]]:
        yield ["own.py:7"]


@pytest.mark.parametrize(
    ("recorder", "reason"),
    [
        (Failing, "none, since operation not permitted"),
        (Drawing, "none, since random numbers are drawn on the CPU"),
        (Waiting, "none, since the host waits for the device, at own.py:7"),
    ],
)
def test_what_cannot_be_recorded_is_played_and_said_once(
    recorder: type[Recorder], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    trainer, _ = a_trainer(fused=True, steps=8)
    found = recorded(trainer)
    found.recorder = recorder()  # type: ignore[assignment]
    with said(caplog) as lines:
        play(trainer, 8)
    assert lines == [f"CUDA graphs: {reason}"]
    assert found.replays == 0
    assert trainer.step == 8


def test_tensors_that_are_exchanged(caplog: pytest.LogCaptureFixture) -> None:
    trainer, game = a_trainer(fused=True, steps=8)
    turn = game.turn

    def exchanging(*given: Any) -> Any:
        weight = game.own["generator"].weight
        weight.data = weight.data.clone()
        return turn(*given)

    game.turn = exchanging  # type: ignore[method-assign]
    recorded(trainer)
    with said(caplog) as lines:
        play(trainer, 8)
    assert lines == ["CUDA graphs: none, since tensors are exchanged, not changed"]


def test_numbers_that_are_plain_attributes_are_not_recorded_as_they_were() -> None:
    """A trick of one's own that counts outside of buffers is played as it is."""
    trainer, game = a_trainer(fused=True, steps=20)
    part = game.own["generator"]
    part.level = 0.0  # type: ignore[assignment]
    turn = game.turn

    def scaled(*given: Any) -> Any:
        losses = turn(*given)
        return losses._replace(minimise={n: part.level * x for n, x in losses.minimise.items()})

    game.turn = scaled  # type: ignore[method-assign]
    found = recorded(trainer)
    for level in (*range(8), *[8] * 5):
        part.level = float(level)  # type: ignore[assignment]
        play(trainer, 1)
    assert found.replays == 5 - WARM


def test_numbers_of_random_and_numpy_are_random_numbers_of_the_cpu() -> None:
    from gan_cli.engine.recorder import Recorder as OfCUDA

    states = [OfCUDA.frozen(None)]  # type: ignore[arg-type]
    for draw in (random.random, numpy.random.rand, lambda: torch.rand(())):
        assert OfCUDA.frozen(None) == states[-1]  # type: ignore[arg-type]
        draw()
        states.append(OfCUDA.frozen(None))  # type: ignore[arg-type]
        assert states[-1] != states[-2]


def test_what_never_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    trainer, game = a_trainer(fused=True, steps=300)
    turn = game.turn

    def reading(player: str, batch: Any, progress: Progress) -> Any:
        assert progress.done <= 1
        return turn(player, batch, progress)

    game.turn = reading  # type: ignore[method-assign]
    found = recorded(trainer)
    with said(caplog) as lines:
        play(trainer, 250)
    assert lines == ["CUDA graphs: none yet, since no step does what another did (done)"]
    assert len(found._kinds) == graphs.KINDS


def test_required(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, _ = a_trainer(fused=True, steps=8)
    found = recorded(trainer)
    found.recorder, found.required = Waiting(), True  # type: ignore[assignment]
    with pytest.raises(RunFailed, match=r"trainer\.graphs=on: none, since the host waits"):
        play(trainer, 8)
    with pytest.raises(
        UserError, match=r"trainer\.graphs=on: cpu has none; set trainer\.graphs=auto"
    ):
        graphs.graphs_for(trainer, "on")
    assert graphs.graphs_for(trainer, "auto") is None


def test_a_state_that_is_put_back_is_recorded_anew() -> None:
    trainer, _ = a_trainer(fused=True, steps=20)
    found = recorded(trainer)
    play(trainer, 6)
    assert found.replays == 6 - WARM
    trainer.load_state_dict(trainer.state_dict())
    play(trainer, WARM)
    assert found.replays == 6 - WARM
    play(trainer, 1)
    assert found.replays == 7 - WARM


def test_a_bad_turn_in_a_replay_is_named() -> None:
    trainer, game = a_trainer(fused=True, steps=20, log_every=100)
    trainer._finite.deferred = True
    recorded(trainer)
    play(trainer, 6)
    weight = game.own["discriminator"].weight
    with torch.no_grad():
        weight.fill_(float("nan"))
    play(trainer, 1)
    with pytest.raises(NonFinite, match="loss/D or grad_norm/D is not finite in step 6"):
        trainer.state_dict()


def test_what_is_asked_is_written_down() -> None:
    answers: dict[Any, Any] = {}
    progress = Progress(5, 0.5, 0.25, 80)
    noting = Noting.of(progress, answers)
    ramp = Ramp(0.0, 1.0, 160, "linear")
    assert noting.due(1)
    assert not answers
    assert not noting.due(4)
    assert noting._replace(phase="lazy").past(5)
    assert now(ramp, noting) == 0.5
    assert noting.done == 0.25
    assert answers == {
        ("due", 4): False,
        ("past", 5): True,
        ("value_of", ramp): 0.5,
        ("done", None): 0.25,
    }
    assert fits(answers, progress)
    assert not fits(answers, progress._replace(images=96))
    assert noting == progress
