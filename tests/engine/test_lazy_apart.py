"""Lazy terms that have a turn and a step of their own."""

import pytest
import torch

from gan_cli.assembly.build import build_players, with_more_steps
from gan_cli.assembly.game import assemble_game
from gan_cli.config.components import Component
from gan_cli.config.schema import Settings
from gan_cli.engine.player import Player
from gan_cli.errors import UserError
from gan_cli.games.base import Game
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.penalties import R1
from tests.conftest import narrow
from tests.games.composed import played, random_batch, settings_of
from tests.tricks.games import Tiny


def with_lazy(*overrides: str) -> tuple[Settings, Game, list[Player]]:
    settings = settings_of("stylegan2", *narrow("stylegan2"), "data.image_size=8", *overrides)
    game = assemble_game(settings, settings.data.dataset.build().fields)
    return settings, game, build_players(settings, game)


def test_rates_and_betas_are_corrected():
    """c = k / (k + 1): lr c, beta^c, for the terms that each player has."""
    more = ["tricks=[path_length]", "tricks.lazy_r1.every=16", "optimizer.lr=0.17"]
    _, game, players = with_lazy(*more)
    every = {
        player.name: [t.every for t in game.lazy_terms(player.name).values()] for player in players
    }
    assert every == {"discriminator": [16], "generator": [4]}
    groups = {player.name: player.optimizer.param_groups[0] for player in players}
    assert groups["discriminator"]["lr"] == pytest.approx(0.16)
    assert groups["generator"]["lr"] == pytest.approx(0.17 * 0.8)
    assert groups["generator"]["betas"] == pytest.approx((0.0, 0.99**0.8))
    _, _, players = with_lazy("optimizer.lazy_apart=false", *more)
    assert {player.lr for player in players} == {0.17}


def test_the_most_frequent_term_decides_and_other_optimizers_have_no_betas():
    plain = Component(torch.optim.SGD, {"lr": 1.0, "momentum": 0.5}, "optimizer")
    assert with_more_steps(plain, 3, {}).arguments == {"lr": 0.75, "momentum": 0.5}
    with pytest.raises(UserError, match=r"optimizer\.lazy_apart: betas that follow a schedule"):
        with_more_steps(plain, 3, {"betas": (0.0, 0.9)})


def test_betas_that_no_config_says_are_those_of_the_class():
    plain = Component(torch.optim.Adam, {"lr": 1.0}, "optimizer")
    found = with_more_steps(plain, 3, {}).arguments
    assert found["betas"] == pytest.approx((0.9**0.75, 0.999**0.75))


def test_a_lazy_term_of_no_weight_changes_nothing():
    more = ["tricks=[path_length]", "tricks.path_length.weight=0", "optimizer.lr=0.17"]
    _, game, players = with_lazy(*more)
    assert game.lazy_terms("generator") == {}
    assert {p.name: p.lr for p in players}["generator"] == 0.17


def test_phases_share_out_what_a_turn_has():
    _, game, _ = with_lazy("tricks=[path_length]")
    batch = random_batch(game.fields, 4)
    at = Progress(0, 0.0, 0.0)
    for player, lazy in (("discriminator", "lazy_r1"), ("generator", "path_length")):
        names = {}
        for phase in ("whole", "main", "lazy"):
            torch.manual_seed(0)
            losses = game.turn(player, batch, at._replace(phase=phase))
            names[phase] = set(losses.minimise)
            assert bool(losses.watch) == (player == "discriminator" and phase != "lazy")
        assert names == {"whole": {"adversarial", lazy}, "main": {"adversarial"}, "lazy": {lazy}}
        later = game.turn(player, batch, Progress(1, 0.0, 0.0, phase="lazy"))
        assert not later.minimise


def test_players_step_once_more_where_a_term_is_due():
    """In 5 steps R1 is due at 0 and 3, path length at 0, 2 and 4."""
    more = ["tricks=[path_length]", "tricks.lazy_r1.every=3", "tricks.path_length.every=2"]
    tiny = [*narrow("stylegan2"), "data.image_size=8", *more]
    trainer = played("stylegan2", *tiny, steps=5)
    taken = [
        max(int(state["step"]) for state in player.optimizer.state.values())
        for player in trainer.players
    ]
    assert taken == [5 + 2, 5 + 3]


def test_a_phase_of_its_own_has_the_same_value():
    game = Tiny(R1(weight=3.0, every=4)).game
    batch = {"image": torch.rand(6, 1, 2, 2)}
    found = []
    for phase in ("whole", "lazy"):
        torch.manual_seed(0)
        progress = Progress(0, 0.0, 0.0, phase=phase)  # type: ignore[arg-type]
        found.append(game.turn("discriminator", batch, progress).minimise["term0"])
    assert torch.equal(*found)
