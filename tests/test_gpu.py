"""What only a GPU can show. Skipped where there is none."""

from pathlib import Path

import pytest
import torch

from benchmarks.common import open_settings, open_trainer
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import RunFailed
from gan_cli.games.two_player import TwoPlayer
from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import NARROW, TINY, Command, data_of, narrow
from tests.runs.resuming import SIX, assert_equal, cut_off

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize(("first", "then"), [("cuda", "cpu"), ("cpu", "cuda")])
def test_a_checkpoint_moves_between_devices(gan_train: Command, first: str, then: str) -> None:
    run = gan_train(*TINY, *NARROW, f"trainer.device={first}").folder
    moved = gan_train(f"resume={run}", f"trainer.device={then}", "trainer.steps=6")
    assert moved.code == 0, moved.err
    state = load_newest(run)[1]["state"]
    assert state["step"] == 6
    for part in (state["game"], state["average"]):
        tensors = [value for value in part.values() if isinstance(value, torch.Tensor)]
        assert all(value.device.type == "cpu" for value in tensors)


@pytest.mark.parametrize("model", ["cyclegan", "infogan", "pix2pix", "wgan_gp"])
def test_every_game_resumes_on_the_gpu(gan_train: Command, tmp_path: Path, model: str) -> None:
    tiny = [f"model={model}", *data_of(model), *narrow(model), *SIX]
    whole = gan_train(*tiny, "trainer.device=cuda")
    assert whole.code == 0, whole.err
    part = cut_off(whole.folder, 3, tmp_path / "part")
    assert gan_train(f"resume={part}").code == 0
    assert_equal(load_newest(whole.folder)[1]["state"], load_newest(part)[1]["state"])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_resuming_on_the_gpu(gan_train: Command, tmp_path: Path, precision: str) -> None:
    whole = gan_train(*SIX, *NARROW, "trainer.device=cuda", f"trainer.precision={precision}")
    assert whole.code == 0, whole.err
    part = cut_off(whole.folder, 3, tmp_path / "part")
    assert gan_train(f"resume={part}").code == 0
    assert_equal(load_newest(whole.folder)[1]["state"], load_newest(part)[1]["state"])


def opened(*overrides: str) -> Trainer:
    model = [] if any(key.startswith("model=") for key in overrides) else ["model=dcgan"]
    given = *narrow("dcgan"), "trainer.device=cuda", "trainer.log_every=1000"
    return open_trainer(*open_settings([*model, *given, *overrides]))


@pytest.mark.parametrize(
    "more", [[], ["tricks=[diffaugment]"], ["model=dcgan_r1"], ["model=wgan_gp"], ["tricks=[ada]"]]
)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_replayed_steps_are_those_that_are_played(more: list[str], precision: str) -> None:
    each = [f"trainer.precision={precision}", *more]
    plain, recorded = opened(*each, "trainer.graphs=off"), opened(*each)
    for player in plain.players:  # a rate of the same precision
        player.keep_rates_on(plain.device)
    for _ in range(20):
        plain.play()
        recorded.play()
    assert recorded.graphs is not None
    assert recorded.graphs.replays > 10
    if more == ["tricks=[ada]"]:  # images are moved with sums in no fixed order
        pairs = zip(plain.game.parameters(), recorded.game.parameters(), strict=True)
        assert all(torch.allclose(*pair, atol=1e-2) for pair in pairs)
    else:
        assert_equal(plain.state_dict(), recorded.state_dict())


def waiting(self: TwoPlayer, *given: torch.Tensor) -> torch.Tensor:
    """Fakes for which the host waits."""
    made = fakes(self, *given)
    return made if made.sum().item() < 1e9 else made * 0


fakes = TwoPlayer.fakes


def test_what_cannot_be_recorded_is_played(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = opened("trainer.graphs=off")
    monkeypatch.setattr(TwoPlayer, "fakes", waiting)
    recorded = opened()
    for player in plain.players:
        player.keep_rates_on(plain.device)
    with caplog.at_level("INFO"):
        for _ in range(10):
            plain.play()
            recorded.play()
    assert "CUDA graphs: " in caplog.text
    assert_equal(plain.state_dict(), recorded.state_dict())


def test_graphs_may_be_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TwoPlayer, "fakes", waiting)
    trainer = opened("trainer.graphs=on")

    def play() -> None:
        for _ in range(10):
            trainer.play()

    with pytest.raises(RunFailed, match=r"trainer\.graphs=on"):
        play()


def test_nothing_learns_from_nan_in_a_replayed_step() -> None:
    """And the message names the step."""
    trainer = opened()
    for _ in range(8):
        trainer.play()
    (weight, *_) = trainer.players[0].parameters
    before = trainer.players[1].parameters[0].detach().clone()
    with torch.no_grad():
        weight.fill_(float("nan"))
    trainer.play()
    assert torch.equal(before, trainer.players[1].parameters[0])
    with pytest.raises(RunFailed, match="step 8"):
        trainer.state_dict()
