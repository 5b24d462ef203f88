"""Scenes that several processes play, and what can be asked of them afterwards."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, distributed

from gan_cli.assembly.build import build_batches, build_game, build_players, build_trainer
from gan_cli.assembly.parts import seen_at_once
from gan_cli.config.schema import Settings
from gan_cli.engine.distributed import ALONE, Ranks, share_of
from gan_cli.engine.joined import Joined
from gan_cli.engine.trainer import Trainer
from gan_cli.networks.synchronised import synchronise
from gan_cli.runs.following import follow
from tests.conftest import data_of, narrow
from tests.ranks import on_ranks

CPU = torch.device("cpu")
SMALL = ["data.batch_size=8", "data.limit=32", "trainer.steps=8", "trainer.log_every=1"]
STEPS = 3
UNNORMALISED = [f"model.{network}.normalization=none" for network in ("generator", "discriminator")]
EQUAL = {
    "vanilla": ["model=vanilla", *narrow("vanilla"), "model.discriminator.dropout=0"],
    "dcgan": ["model=dcgan", *narrow("dcgan"), *UNNORMALISED, "tricks=[lazy_r1]"],
    "wgan_gp": ["model=wgan_gp", *narrow("wgan_gp"), *UNNORMALISED, "model.n_critic=2"],
    "cyclegan": ["model=cyclegan", *data_of("cyclegan"), *narrow("cyclegan"), "~tricks.image_pool"],
}
"""Runs whose losses are means over samples."""
SYNCHRONISED = ["model=dcgan", *narrow("dcgan")]

Scene = Callable[[Joined], Any]
"""What one rank does, and what comes of it, which can be pickled."""


def of_model(model: str) -> list[str]:
    """A run of a model."""
    return [f"model={model}", *data_of(model), *narrow(model)]


def opened(settings: Settings, ranks: Ranks = ALONE) -> Trainer:
    """A trainer, as `run_training` makes it."""
    dataset = settings.data.dataset.build()
    dataset.prepare()
    share = share_of(settings.data.batch_size, ranks, settings.trainer.accumulate)
    game = build_game(seen_at_once(settings, share), dataset.fields)
    if settings.trainer.sync_batchnorm:
        synchronise(game)
    players = build_players(settings, game)
    trainer = build_trainer(
        settings, game, players, build_batches(settings, dataset, CPU, None, ranks), CPU, ranks
    )
    if not ranks.leads:
        follow(trainer)
    return trainer


def weights(trainer: Trainer) -> dict[str, Tensor]:
    """All that is learnt, and its mean."""
    average = [] if trainer.average is None else trainer.average.named_parameters(prefix="average")
    named = [*trainer.game.named_parameters(), *average]
    return {name: p.detach().clone() for name, p in named}


def same_on_all(trainer: Trainer) -> bool:
    """Whether all ranks have the same weights, bit for bit."""
    found: list[Any] = [None] * trainer.ranks.size
    distributed.all_gather_object(found, weights(trainer))
    return all(torch.equal(found[0][name], other[name]) for other in found for name in found[0])


def state_of(trainer: Trainer) -> dict[str, Any]:
    """What rank 0 would save, on every rank."""
    ranks = trainer.ranks
    assert isinstance(ranks, Joined)
    if ranks.leads:
        state = copy.deepcopy(trainer.state_dict())
        ranks.call("state", state)
        return state
    return ranks.wait()[1]


def played(scenes: Mapping[str, Scene]) -> list[dict[str, Any]]:
    """What comes of each scene, on either of two ranks that play all of them."""

    def play(ranks: Joined) -> dict[str, Any]:
        torch.set_num_threads(1)
        found = {}
        for name, scene in scenes.items():
            ranks.settled, ranks.answers = None, {}
            try:
                found[name] = scene(ranks)
            except BaseException as error:
                raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
        return found

    return on_ranks(play)
