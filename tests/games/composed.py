"""Games as gan-train makes them, out of composed configs, and turns to look at."""

from collections.abc import Callable, Mapping

import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from torch import Tensor

from gan_cli.assembly.build import build_players, build_trainer
from gan_cli.assembly.game import assemble_game
from gan_cli.config.reader import read
from gan_cli.config.schema import Settings
from gan_cli.data.fields import Batch, Fields
from gan_cli.engine.player import Player
from gan_cli.engine.trainer import Trainer
from gan_cli.engine.turns import Taken, Turns
from gan_cli.games.base import Game
from gan_cli.paths import conf_folder
from gan_cli.tricks.examples import Progress
from tests.conftest import data_of, narrow

SMALL = {
    "pix2pix": ["data=digit_outlines", "model.generator.width=4", "model.discriminator.width=4"],
    "cyclegan": [
        *("data=digit_inversion", "model.generator_ab.width=4", "model.generator_ab.blocks=1"),
        *("model.discriminator_a.width=4", "tricks.image_pool.size=50"),
    ],
    "hifigan_small": [*data_of("hifigan_small"), *narrow("hifigan_small")],
    "srgan": ["data=digit_low_resolution", *narrow("srgan"), "model.adversarial_start=0"],
    "esrgan": ["data=digit_low_resolution", *narrow("esrgan"), "model.adversarial_start=0"],
    "vqgan": [*narrow("vqgan"), "model.adversarial_start=0", "loss=non_saturating"],
    "infogan": ["+model.generator.width=8", "+model.discriminator.width=8"],
    "ali": [*("model.generator.width=4", "model.discriminator.width=4"), "data.image_size=32"],
    "ebgan": ["model.generator.hidden=[8]", "model.discriminator.hidden=[8]"],
    "progan": [
        *("model.generator.width=4", "model.generator.max_width=8", "model.discriminator.width=4"),
        *("model.discriminator.max_width=8", "model.latent_dim=6"),
    ],
    "lapgan": [
        *("model.generator.hidden=[8]", "model.generator.width=4", "model.generator.noise_dim=5"),
        *("model.discriminators.hidden=[8]", "model.discriminators.width=4"),
        "model.discriminators.kernel=3",
    ],
    "vanilla": ["model.generator.hidden=[8]", "model.discriminator.hidden=[8]"],
}
"""What else makes a game that a test can play."""
NARROW = ["model.generator.width=8", "model.discriminator.width=8"]


def settings_of(model: str, *overrides: str) -> Settings:
    """A small game's settings, checked as gan-train checks them."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        given = [f"model={model}", "name=composed", *SMALL.get(model, NARROW)]
        return read(compose("train", [*given, "data.batch_size=4", *overrides]))


def assembled(model: str, *overrides: str) -> Game:
    """A small game with its tricks, on the fields of its data."""
    settings = settings_of(model, *overrides)
    return assemble_game(settings, settings.data.dataset.build().fields)


def random_batch(fields: Fields, count: int) -> dict[str, Tensor]:
    """Noise and random classes in the shapes of the data."""
    return {
        name: torch.randint(10, (count,))
        if field.kind == "label"
        else torch.rand(count, *field.shape) * 2 - 1
        for name, field in fields.items()
    }


class RandomBatches:
    """An endless stream of noise."""

    size, position = 100, 0

    def __init__(self, fields: Fields, count: int = 4) -> None:
        self.fields, self.count = fields, count

    def next(self) -> Batch:
        """Fresh noise."""
        self.position += self.count
        return random_batch(self.fields, self.count)

    def seek(self, position: int) -> None:
        """There is nowhere to go."""

    def close(self) -> None:
        """There is nothing to end."""


class Watched(Trainer):
    """Knows what each turn changed.

    Attributes:
        changed: the parameters of the game that differ after a player's turns, by player.
        reached: those that a gradient reached in them.
    """

    changed: dict[str, set[str]]
    reached: dict[str, set[str]]


class WatchedTurns(Turns):
    """Notes that."""

    def __init__(self, turns: Turns, notes: Watched) -> None:
        self.__dict__.update(turns.__dict__)
        self.notes = notes

    def turn(self, player: Player, batch: Batch, progress: Progress) -> Taken | None:
        named: Mapping[str, Tensor] = dict(self.game.named_parameters())
        before = {name: p.detach().clone() for name, p in named.items()}
        for p in named.values():
            p.grad = None
        taken = super().turn(player, batch, progress)
        changed = {name for name, p in named.items() if not torch.equal(p, before[name])}
        self.notes.changed.setdefault(player.name, set()).update(changed)
        reached = {name for name, p in named.items() if p.grad is not None and p.grad.any()}
        self.notes.reached.setdefault(player.name, set()).update(reached)
        return taken


def watched(settings: Settings, game: Game) -> Watched:
    """A trainer of the game on noise, not yet started."""
    players = build_players(settings, game)
    count = settings.data.batch_size
    trainer = build_trainer(
        settings, game, players, RandomBatches(game.fields, count), torch.device("cpu")
    )
    trainer.__class__ = Watched
    assert isinstance(trainer, Watched)
    trainer.changed, trainer.reached = {}, {}
    trainer.turns = WatchedTurns(trainer.turns, trainer)
    return trainer


def played(
    model: str,
    *overrides: str,
    change: Callable[[Game], object] = lambda game: None,
    steps: int = 2,
) -> Watched:
    """A game after some steps of its trainer, whose turns were watched."""
    settings = settings_of(model, *overrides)
    game = assemble_game(settings, settings.data.dataset.build().fields)
    change(game)
    trainer = watched(settings, game)
    for _ in range(steps):
        trainer.play()
    return trainer
