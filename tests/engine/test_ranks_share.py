"""Two shares of a batch, or several parts of it, are what one process makes of the whole."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from gan_cli import randomness
from gan_cli.assembly.build import build_game
from gan_cli.assembly.parts import reading_batch
from gan_cli.config.schema import Settings
from gan_cli.engine.distributed import Ranks, share_of
from gan_cli.engine.joined import Joined
from gan_cli.errors import UserError
from gan_cli.evaluation.drawing import CHUNK, draw_samples
from gan_cli.evaluation.sharing import SharedDrawing
from gan_cli.networks.synchronised import synchronise
from tests.conftest import narrow
from tests.engine.acting import (
    EQUAL,
    SMALL,
    STEPS,
    SYNCHRONISED,
    Scene,
    opened,
    played,
    same_on_all,
    weights,
)
from tests.settings import settings_of


class SharedNoise(TorchFunctionMode):
    """Every random number is drawn for all ranks, and each takes its part: as one process would."""

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self.ranks = ranks

    def __torch_function__(
        self, func: Callable, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """What `func` gives, or this rank's rows of more of it."""
        kwargs, size = dict(kwargs or {}), self.ranks.size
        if "generator" in kwargs or func not in (torch.rand, torch.randn, torch.rand_like):
            return func(*args, **kwargs)
        if func is torch.rand_like:
            func, args = torch.rand, args[0].shape
        rows, *rest = args
        return func(size * rows, *rest, **kwargs)[self.ranks.rank * rows :][:rows].contiguous()


def whole_or_shared(settings: Settings, ranks: Joined) -> tuple[dict, dict]:
    """Weights after a few steps of one process, and of two that draw the same noise."""
    alone = opened(settings)
    joined = opened(settings, ranks)
    assert not reading_batch(joined.game)
    for _ in range(STEPS):
        alone.play()
    reseed = randomness.reseed
    randomness.reseed = lambda seed, rank, *key: reseed(seed, 0, *key)
    with SharedNoise(ranks):
        for _ in range(STEPS):
            joined.play()
    randomness.reseed = reseed
    assert same_on_all(joined)
    return weights(alone), weights(joined)


def drawn(settings: Settings, ranks: Joined) -> list[Any]:
    """What is drawn to be measured, by rank 0 alone and by both."""
    trainer = opened(settings, ranks)
    for _ in range(2):
        trainer.play()  # statistics of BatchNorm differ now
    if not ranks.leads:
        ranks.wait()
        return []
    trial = next(iter(trainer.game.trials().values()))
    how = trainer.game, trainer.draw, trial, {}, CHUNK + 200, 0
    found = [draw_samples(*how), draw_samples(*how, SharedDrawing(trainer))]
    ranks.call("over")
    return found


@pytest.fixture(scope="module")
def pair() -> list[dict[str, Any]]:
    """What came of each scene, on either rank."""
    scenes: dict[str, Scene] = {
        f"equal {name}": partial(whole_or_shared, settings_of(*overrides, *SMALL, "optimizer=sgd"))
        for name, overrides in EQUAL.items()
    }
    synchronised = settings_of(
        *(*SYNCHRONISED, *SMALL, "trainer.sync_batchnorm=true", "optimizer=sgd")
    )
    scenes["synchronised"] = partial(whole_or_shared, synchronised)
    scenes["drawn"] = partial(drawn, settings_of(*SYNCHRONISED, *SMALL))
    return played(scenes)


@pytest.mark.parametrize("scene", [*(f"equal {name}" for name in EQUAL), "synchronised"])
def test_two_shares_are_one_batch(pair: list[dict[str, Any]], scene: str) -> None:
    for rank in pair:
        alone, shared = rank[scene]
        for name, weight in alone.items():
            assert torch.allclose(weight, shared[name], rtol=1e-4, atol=5e-6), name


def test_all_draw_what_is_measured(pair: list[dict[str, Any]]) -> None:
    alone, shared = pair[0]["drawn"]
    assert torch.equal(alone.made, shared.made)


@pytest.mark.parametrize(
    ("batch_size", "size", "accumulate", "says"),
    [
        (100, 8, 1, "among 8 processes; set data.batch_size=96 or 104, or another multiple of 8"),
        (3, 8, 1, "among 8 processes; set data.batch_size=8,"),
        (10, 1, 4, "among trainer.accumulate=4; set data.batch_size=8 or 12,"),
        (16, 4, 8, "among 4 processes times trainer.accumulate=8; set data.batch_size=32,"),
    ],
)
def test_batches_that_cannot_be_parted(
    batch_size: int, size: int, accumulate: int, says: str
) -> None:
    with pytest.raises(UserError, match=f"^data.batch_size={batch_size}: cannot .* {says}"):
        share_of(batch_size, Joined(0, size), accumulate)


@pytest.mark.parametrize("name", ["vanilla", "cyclegan"])
def test_parts_of_a_batch_add_up(name: str) -> None:
    """Latents come in the same order, and D sees what G has made of the same part."""
    found = []
    for accumulate in (1, 2):
        more = [*SMALL, "optimizer=sgd", f"trainer.accumulate={accumulate}"]
        trainer = opened(settings_of(*EQUAL[name], *more))
        for _ in range(2):
            trainer.play()
        found.append(weights(trainer))
    whole, parted = found
    for key, weight in whole.items():
        assert torch.allclose(weight, parted[key], rtol=1e-4, atol=5e-6), key


def test_what_reads_a_batch_is_known() -> None:
    settings = settings_of("model=dcgan", *narrow("dcgan"), "loss=relativistic_average")
    game = build_game(settings, settings.data.dataset.build().fields)
    assert reading_batch(game) == ["BatchNorm", "RelativisticAverage"]
    synchronise(game)
    assert reading_batch(game) == ["RelativisticAverage"]
