"""Two processes that train one game: the same weights on both, what differs is saved.

One pair of processes plays all scenes, and each test looks at what came of one.
"""

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from gan_cli.assembly.game import assemble_game
from gan_cli.config.reader import read
from gan_cli.config.schema import Settings
from gan_cli.engine.joined import Joined
from gan_cli.engine.per_rank import for_rank, remembered
from gan_cli.errors import UserError
from gan_cli.tricks.adaptive import AdaptiveView
from tests.conftest import narrow, options
from tests.engine.acting import (
    SMALL,
    STEPS,
    Scene,
    of_model,
    opened,
    played,
    same_on_all,
    state_of,
    weights,
)
from tests.ranks import on_ranks
from tests.settings import settings_of
from tests.tricks.test_pairs import with_tricks

MODELS, TRICKS = options("model"), options("tricks")
# one of each game and of each kind of memory; `test_twenty_steps` plays all
PLAYED = [
    *("vanilla", "cgan_dcgan_r1", "wgan_gp", "sngan", "infogan", "pix2pix", "cyclegan", "progan"),
    *("lapgan", "bigan", "vaegan", "began", "esrgan", "vqgan", "hifigan_small", "stylegan2"),
    *("cgan_r3gan", "biggan", "dcgan"),
]
TRIED = [
    *("ada", "experience_replay", "image_pool", "unrolled", "minibatch_stddev", "path_length"),
    *("spectral_norm", "lazy_r1", "historical_averaging", "feature_matching", "diffaugment"),
]
ADAPTING = ["ada", "diffusion"]
REMEMBERING = [
    *("model=dcgan", *narrow("dcgan"), "tricks=[experience_replay,spectral_norm]"),
    "tricks.experience_replay.size=20",
]


def of_trick(trick: str, models: Mapping[str, Settings]) -> Settings:
    """A run of a trick: with a DCGAN, or the first model that it fits."""
    plain = read(with_tricks(trick))
    others = (
        dataclasses.replace(settings, tricks={**settings.tricks, **plain.tricks})
        for settings in models.values()
    )
    for settings in (plain, *others):
        try:
            assemble_game(settings, settings.data.dataset.build().fields)
        except UserError:
            continue
        return settings
    raise AssertionError(f"{trick} fits no model")


def alike_after(settings: Settings, ranks: Joined, steps: int) -> dict[str, Any]:
    """Play, save, go on; and go on from what was saved."""
    trainer = opened(settings, ranks)
    for _ in range(steps):
        trainer.play()
    found: dict[str, Any] = {"same": same_on_all(trainer)}
    state = state_of(trainer)
    found["apart"] = sorted({*state["ranks"]["game"], *state["ranks"]["average"]})
    found["finite"] = all(w.isfinite().all() for w in weights(trainer).values())
    return found


def resumed(settings: Settings, ranks: Joined, steps: int = 2) -> bool:
    """Whether a run that goes on from what was saved is the one that was not interrupted."""
    whole = opened(settings, ranks)
    for _ in range(steps):
        whole.play()
    state = state_of(whole)
    part = opened(settings, ranks)
    part.load_state_dict(state)
    for trainer in (whole, part):
        for _ in range(steps):
            trainer.play()
    one, other = (remembered(trainer.game, trainer.average) for trainer in (whole, part))
    equal = [
        torch.equal(x, other[of][name]) if isinstance(x, Tensor) else x == other[of][name]
        for of, values in one.items()
        for name, x in values.items()
    ]
    mine, theirs = weights(whole), weights(part)
    return all(equal) and all(torch.equal(mine[name], theirs[name]) for name in mine)


def strengths(settings: Settings, ranks: Joined) -> list[float]:
    """A view's p after each step, where D is surer on rank 0 (r = 1) than on rank 1 (r = 0.5)."""
    trainer = opened(settings, ranks)
    (view,) = (module for module in trainer.game.modules() if isinstance(module, AdaptiveView))
    observe, seen = view.observe, torch.tensor([1.0, 1.0, 1.0, 1.0 if ranks.leads else -1.0])
    view.observe = lambda real: observe(seen)  # type: ignore[method-assign]
    found = []
    for _ in range(STEPS):
        trainer.play()
        found.append(view.p.item())
    return found


@pytest.fixture(scope="module")
def pair() -> list[dict[str, Any]]:
    """What came of each scene, on either rank."""
    models = {model: settings_of(*of_model(model), *SMALL) for model in PLAYED}
    scenes: dict[str, Scene] = {}
    for model, settings in models.items():
        scenes[f"model {model}"] = partial(alike_after, settings, steps=2)
    for trick in TRIED:
        scenes[f"trick {trick}"] = partial(alike_after, of_trick(trick, models), steps=2)
    for trick in ADAPTING:
        quick = [f"tricks=[{trick}]", f"tricks.{trick}.every=1", f"tricks.{trick}.images=100"]
        scenes[f"adapting {trick}"] = partial(
            strengths, settings_of(*of_model("dcgan"), *SMALL, *quick)
        )
    scenes["resumed"] = partial(resumed, settings_of(*REMEMBERING, *SMALL))
    opened(read(with_tricks("spectral_norm")))  # torch imports much for it: once for both
    return played(scenes)


@pytest.mark.parametrize("scene", [*(f"model {m}" for m in PLAYED), *(f"trick {t}" for t in TRIED)])
def test_weights_are_alike(pair: list[dict[str, Any]], scene: str) -> None:
    for rank in pair:
        assert rank[scene]["same"]
        assert rank[scene]["finite"]


def test_what_differs_is_saved(pair: list[dict[str, Any]]) -> None:
    apart = pair[0]["model dcgan"]["apart"]
    assert any("running_mean" in name for name in apart)
    assert not any(name.endswith("weight") for name in apart)
    assert any("pool" in name for name in pair[0]["trick experience_replay"]["apart"])
    assert pair[0]["resumed"]
    assert pair[1]["resumed"]


@pytest.mark.parametrize("trick", ADAPTING)
def test_strengths_follow_the_scores_of_all(pair: list[dict[str, Any]], trick: str) -> None:
    """r = 0.75 of both is above the target of 0.6, and 8 images of 100 are seen in a step."""
    found, other = (rank[f"adapting {trick}"] for rank in pair)
    assert found == other
    assert found == pytest.approx([0.08, 0.16, 0.24])


def test_ranks_that_were_not_saved_begin_with_the_first() -> None:
    game = {"weight": 0.0, "mean": 1.0}
    state = {"game": game, "average": None, "ranks": {"count": 2, "game": {"mean": [1.0, 2.0]}}}
    means = [for_rank(state, rank)["game"]["mean"] for rank in range(4)]
    assert means == [1.0, 2.0, 1.0, 2.0]
    assert game["mean"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "trick"])
def test_twenty_steps(kind: str) -> None:
    """Every model and every trick, at length, and each goes on from what it saved."""
    runs = {m: settings_of(*of_model(m), *SMALL) for m in MODELS}
    if kind == "trick":
        runs = {trick: of_trick(trick, runs) for trick in TRICKS}

    def play(ranks: Joined) -> dict[str, Any]:
        found = {}
        for name, settings in runs.items():
            ranks.answers = {}
            found[name] = alike_after(settings, ranks, 20) | {"resumed": resumed(settings, ranks)}
        return found

    for rank in on_ranks(play):
        for name, found in rank.items():
            assert found["same"], name
            assert found["finite"], name
            assert found["resumed"], name
