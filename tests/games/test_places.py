"""Tricks land on the adversaries and players that they are put on."""

import pytest
import torch
from torch import nn

from gan_cli.assembly.build import build_players
from gan_cli.assembly.game import assemble_game
from gan_cli.errors import UserError
from gan_cli.tricks.pools import ExperienceReplay
from tests.games.composed import assembled, played, random_batch, settings_of
from tests.tricks.games import START

A_ALONE = [
    ("r1", lambda of: set(of.terms), {"r1"}),
    ("label_flipping", lambda of: {type(t).__name__ for t in of.targets}, {"LabelFlipping"}),
    ("instance_noise", lambda of: {type(t).__name__ for t in of.views}, {"InstanceNoise"}),
    ("experience_replay", lambda of: {type(of.pool).__name__}, {"ExperienceReplay"}),
    (
        "spectral_norm",
        lambda of: {n.split(".")[-2] for n in dict(of.network.named_parameters()) if "ori" in n},
        {"weight"},
    ),
]


@pytest.mark.parametrize(("trick", "read", "wanted"), A_ALONE, ids=[row[0] for row in A_ALONE])
@pytest.mark.parametrize(("on", "places"), [("[a]", "a"), ("[b]", "b"), ("[b,a]", "ab")])
def test_a_trick_lands_where_it_is_put(trick: str, read, wanted: set[str], on: str, places: str):
    game = assembled(
        "cyclegan", f"tricks=[{trick}]", *without_pool(trick), f"+tricks.{trick}.on={on}"
    )
    for name in "ab":
        found = read(game.adversary(name))
        assert (found == wanted) == (name in places), (name, found)


def without_pool(trick: str) -> list[str]:
    """CycleGAN's own pools left out."""
    return ["~tricks.image_pool"]


def test_a_trick_without_on_lands_everywhere_and_remembers_each_place_for_itself():
    game = assembled("cyclegan")
    pools = [game.adversary(name).pool for name in "ab"]
    assert all(isinstance(pool, ExperienceReplay) for pool in pools)
    for player in game.players_in_order:
        game.losses(player, random_batch(game.fields, 4), START)
    first, second = (pool.images[:4] for pool in pools)
    assert first.any()
    assert second.any()
    assert not torch.equal(first, second)


LIMIT = 2**-10


def largest(network: nn.Module) -> float:
    return max(float(p.detach().abs().max()) for p in network.parameters())


@pytest.mark.parametrize(("on", "of"), [(None, "ab"), ("[a]", "a"), ("[b]", "b")])
def test_weight_clipping_holds_the_networks_it_is_put_on(on: str | None, of: str):
    overrides = ["tricks=[weight_clipping]", *without_pool("weight_clipping")]
    overrides += [f"+tricks.weight_clipping.on={on}"] if on else []
    overrides += [f"tricks.weight_clipping.limit={LIMIT}"]
    trainer = played("cyclegan", *overrides, steps=1)
    for name in "ab":
        assert (largest(trainer.game.adversary(name).network) <= LIMIT) == (name in of), name
    assert all(largest(network) > 1e-2 for network in trainer.game.averaged.values())


def test_weight_clipping_leaves_what_is_frozen():
    def freeze(game) -> None:
        game.adversary("discriminator").network.body.requires_grad_(False)

    trainer = played("wgan", f"tricks.weight_clipping.limit={LIMIT}", change=freeze, steps=1)
    network = trainer.game.adversary("discriminator").network
    assert largest(network.body) > 1e-2
    assert largest(network.head) <= LIMIT


@pytest.mark.parametrize("on", [["generator"], ["discriminator"], ["generator", "discriminator"]])
def test_tricks_on_players(on: list[str]):
    listed = "[" + ",".join(on) + "]"
    settings = settings_of(
        *("cyclegan", "tricks=[historical_averaging,gradient_clipping]"),
        *(f"tricks.historical_averaging.on={listed}", f"tricks.gradient_clipping.on={listed}"),
    )
    game = assemble_game(settings, settings.data.dataset.build().fields)
    for player in build_players(settings, game):
        there = player.name in on
        assert ("historical_averaging" in game.weight_terms[player.name]) == there
        assert bool(player.hooks) == there
        for _, parameters in player.hooks:
            assert [*map(id, parameters)] == [*map(id, player.parameters)]


@pytest.mark.parametrize(
    ("trick", "said"),
    [
        ("experience_replay", "no adversary c"),
        ("historical_averaging", "no player c"),
        ("weight_clipping", "no adversary c"),
    ],
)
def test_places_that_there_are_not_are_refused(trick: str, said: str):
    key = "" if trick == "historical_averaging" else "+"  # where the YAML has no such key
    with pytest.raises(UserError, match=rf"^tricks\.{trick}\.on: {said}"):
        assembled("cyclegan", f"tricks=[{trick}]", f"{key}tricks.{trick}.on=[c]")


@pytest.mark.parametrize(
    ("model", "trick", "why"),
    [
        ("infogan", "experience_replay", "codes are not those that Q is to guess"),
        ("infogan", "minibatch_stddev", "which Q reads as they are"),
        ("vanilla", "experience_replay", "an unrolled G foresees a D"),
    ],
)
def test_what_a_game_refuses(model: str, trick: str, why: str):
    unrolled = ",unrolled" if model == "vanilla" else ""
    with pytest.raises(UserError, match=f"^tricks.{trick}: .*{why}"):
        assembled(model, f"tricks=[{trick}{unrolled}]")


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan"])
@pytest.mark.parametrize(
    "trick", ["one_sided_smoothing", "two_sided_smoothing", "random_smoothing", "label_flipping"]
)
def test_targets_of_patches(model: str, trick: str):
    """Each patch has a target of its own, of the shape of D's map of logits."""
    game = assembled(model, f"tricks=[{trick}]")
    asked: list[tuple[torch.Size, torch.Size]] = []
    for name in game.adversaries:
        (found,) = game.adversary(name).targets

        def watch(module, given, changed):
            asked.extend((g.shape, c.shape) for g, c in zip(given, changed, strict=True))

        found.register_forward_hook(watch)
    batch = random_batch(game.fields, 4)
    for player in sorted(game.players_in_order, reverse=True):  # CycleGAN's G goes first
        assert all(v.isfinite() for v in game.losses(player, batch, START).minimise.values())
    shape = game.adversary(name).network(game.real_examples(batch)[name][0], None)[0].shape
    assert len(shape) == 3
    assert shape[1] > 1
    assert set(asked) == {(shape, shape)}
    assert len(asked) == 2 * len(game.adversaries)


def test_patches_are_smoothed_and_flipped_one_by_one():
    game = assembled("pix2pix", "tricks=[label_flipping]", "tricks.label_flipping.p=0.4")
    (flip,) = game.adversary("discriminator").targets
    torch.manual_seed(0)
    real, fake = flip(torch.ones(4, 5, 5), torch.zeros(4, 5, 5))
    for flipped in (real == 0, fake == 1):
        assert 20 < flipped.sum() < 60  # of 100, each with probability 0.4
        assert flipped.flatten(1).any(1).all()
        assert not flipped.flatten(1).all(1).any()
