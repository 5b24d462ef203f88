"""Games out of composed configs: who trains what."""

import pytest
import torch
from torch import nn

from gan_cli.assembly.build import build_players
from gan_cli.games.losses import NonSaturating
from gan_cli.games.two_player import TwoPlayer
from tests.games.composed import Watched, assembled, played, settings_of, watched

MODELS = ["vanilla", "cgan_dcgan", "infogan", "pix2pix", "cyclegan", "srgan", "vqgan"]
MODELS += ["bigan", "ali", "ebgan_dcgan", "began", "vaegan", "acgan", "hifigan_small"]


def names_of(trainer: Watched, *modules: nn.Module) -> set[str]:
    ids = {id(p) for module in modules for p in module.parameters()}
    return {name for name, p in trainer.game.named_parameters() if id(p) in ids}


@pytest.mark.parametrize("model", MODELS)
def test_each_player_changes_its_own_networks_and_no_gradient_reaches_others(model: str):
    trainer = played(model)
    everything = set(dict(trainer.game.named_parameters()))
    for player, spec in trainer.game.players.items():
        own = names_of(trainer, *spec.modules)
        assert trainer.changed[player] == own
        assert trainer.reached[player] <= own
    assert set().union(*trainer.changed.values()) == everything


def test_unrolled_g_leaves_d_alone():
    trainer = played("vanilla", "tricks=[unrolled]", "model.unrolled_steps=2")
    for player, spec in trainer.game.players.items():
        assert trainer.changed[player] == names_of(trainer, *spec.modules)
        assert trainer.reached[player] <= trainer.changed[player]


@pytest.mark.parametrize("model", ["cgan_dcgan", "pix2pix", "cyclegan", "infogan"])
def test_frozen_parameters_stay_frozen(model: str):
    """The first layer of every network of every player."""
    frozen: list[nn.Parameter] = []

    def freeze(game) -> None:
        for spec in game.players.values():
            for module in spec.modules:
                frozen.append(next(module.parameters()).requires_grad_(False))

    overrides = ["optimizer=adamw", "optimizer.weight_decay=0.5"]  # decays without a gradient
    trainer = played(model, *overrides, change=freeze)
    ids = {id(p) for p in frozen}
    names = {name for name, p in trainer.game.named_parameters() if id(p) in ids}
    assert len(names) == len(frozen) >= 2
    for player, spec in trainer.game.players.items():
        assert trainer.changed[player] == names_of(trainer, *spec.modules) - names
        assert not trainer.reached[player] & names
    assert not any(p.requires_grad for p in frozen)
    assert all(ids.isdisjoint(map(id, player.parameters)) for player in trainer.players)


class Shared(TwoPlayer):
    """A game whose players both train one module more, such as an encoder."""

    def __init__(self, inner: TwoPlayer) -> None:
        network = inner.adversary("discriminator").network
        super().__init__(inner.latent_dim, inner.generator, network, NonSaturating())  # type: ignore[arg-type]
        self.shared = nn.Linear(3, 3, bias=False)
        self.bind(inner.fields)

    @property
    def players(self):
        own = super().players
        return {
            name: spec._replace(modules=[*spec.modules, self.shared, self.shared])
            for name, spec in own.items()
        }

    def losses(self, player, batch, progress):
        losses = super().losses(player, batch, progress)
        losses.minimise["shared"] = self.shared(torch.rand(2, 3)).square().sum()
        return losses


def test_a_module_of_two_players_is_trained_by_both():
    settings = settings_of("vanilla")
    game = Shared(assembled("vanilla"))
    trainer = watched(settings, game)
    trainer.play()
    for player, spec in game.players.items():
        assert trainer.changed[player] == names_of(trainer, *spec.modules)
        assert "shared.weight" in trainer.changed[player]


def test_a_module_named_twice_counts_once():
    """In the optimizer, in what a hook acts on, and in a term on the player's weights."""
    settings = settings_of("vanilla", "tricks=[gradient_clipping]")
    game = Shared(assembled("vanilla"))
    for player in build_players(settings, game):
        weights = game.players[player.name].parameters
        optimized = [p for group in player.optimizer.param_groups for p in group["params"]]
        ((_, clipped),) = player.hooks
        for found in (weights, optimized, clipped):
            ids = [*map(id, found)]
            assert ids.count(id(game.shared.weight)) == 1
            assert len(ids) == len(set(ids))
