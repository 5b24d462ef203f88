"""A pyramid of games: which level is trained on what, and when."""

from pathlib import Path

import pytest
import torch

from gan_cli.games.lapgan import LAPGAN
from gan_cli.games.requests import Request
from gan_cli.networks.lapgan import enlarged, halved
from gan_cli.tricks.examples import Progress
from tests.conftest import Command, narrow
from tests.games.composed import assembled, played, random_batch
from tests.runs.resuming import check_resume

PLAYERS = [f"{role}_{level}" for level in range(3) for role in ("discriminator", "generator")]


@pytest.fixture(scope="module")
def game() -> LAPGAN:
    found = assembled("lapgan")
    assert isinstance(found, LAPGAN)
    return found


def test_every_level_has_two_players_with_weights_of_their_own(game):
    assert list(game.players) == PLAYERS
    owned = [id(p) for spec in game.players.values() for p in spec.parameters]
    assert len(owned) == len(set(owned))
    assert set(owned) == {id(p) for p in game.parameters()}


def test_each_turn_changes_its_player_and_reaches_no_other():
    trainer = played("lapgan", steps=1)
    ids = {name: id(p) for name, p in trainer.game.named_parameters()}
    for player, spec in trainer.game.players.items():
        own = {*map(id, spec.parameters)}
        assert {ids[name] for name in trainer.changed[player]} == own
        assert {ids[name] for name in trainer.reached[player]} <= own


def test_a_level_adds_detail_to_real_images(game, monkeypatch):
    """What its D is shown for fake is the halved and enlarged real image, where G adds nothing."""
    batch, seen = random_batch(game.fields, 4), []
    for finer in game.generator.finer:
        monkeypatch.setattr(finer, "forward", lambda coarse, noise, y: coarse)
    for level in range(3):
        adversary = game.adversary(f"level_{level}")
        monkeypatch.setattr(type(adversary), "watch", lambda self, shown: seen.append(shown) or {})
        game.losses(f"discriminator_{level}", batch, Progress(0, 0.0, 0.0))
    x = batch["image"]
    for level, size in enumerate((4, 8, 16)):
        real = halved(x, 2 - level)
        assert torch.equal(seen[level].real.images, real)
        assert real.shape[2:] == (size, size)
        if level:
            assert torch.equal(seen[level].fake.images, enlarged(halved(real)))


@pytest.mark.parametrize(("done", "level"), [(0.0, 0), (0.3, 0), (0.34, 1), (0.99, 2), (1.0, 2)])
def test_one_level_after_the_other(game, monkeypatch, done, level):
    now = Progress(0, 0.0, done)
    assert all(game.turns(player, now) == 1 for player in PLAYERS)
    monkeypatch.setattr(game, "together", False)
    playing = [player for player in PLAYERS if game.turns(player, now)]
    assert playing == [f"discriminator_{level}", f"generator_{level}"]


def test_what_is_drawn_begins_with_noise_or_with_a_real_image(game):
    real = torch.rand(2, 1, 16, 16)
    drawing = game.draw(game.complete(Request(2, seed=3, inputs={"image": real})))
    assert list(drawing.panels) == ["real", "coarse", "refined", "fake"]
    assert torch.equal(drawing.panels["coarse"], enlarged(halved(real)))
    z = game.complete(Request(2, seed=3)).latents
    assert z is not None
    assert z.abs().max() <= 1
    assert z.min() < -0.9
    assert torch.equal(drawing.made, game.generator(z))


def test_labels_and_momentum_that_rises():
    labelled = [f"model.{part}.n_classes=10" for part in ("generator", "discriminators")]
    keys = "start: 0.5, end: 0.7, images: 8, shape: linear"
    ramp = f"{{_target_: gan_cli.tricks.schedules.Ramp, {keys}}}"
    trainer = played("lapgan", *labelled, "optimizer=sgd", f"optimizer.momentum={ramp}")
    assert trainer.game.n_classes == 10
    momenta = [player.optimizer.param_groups[0]["momentum"] for player in trainer.players]
    assert momenta == pytest.approx([0.6] * 6)  # the second step's, after 4 images


@pytest.mark.parametrize("together", [True, False])
def test_resumed_where_one_level_gives_way_to_the_next(
    gan_train: Command, tmp_path: Path, together: bool
) -> None:
    """Of six steps each level has two, and the run is cut in the middle of the second's."""
    more = ["model=lapgan", f"model.together={together}", *narrow("lapgan")]
    check_resume(gan_train, tmp_path, *more)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["data.image_size=30"], "cannot be halved so often"),
        ([], "take kernel=3 or a smaller depth"),
        (["model.discriminators.depth=1"], "make them equal"),
        (["optimizer.generator_9.lr=1"], "optimizer.generator_9: no such player"),
    ],
)
def test_what_cannot_be_is_one_line(gan_train: Command, overrides: list[str], said: str) -> None:
    result = gan_train("model=lapgan", "data=digits", "model.generator.hidden=[8]", *overrides)
    assert result.code == 2
    assert len(result.problems) == 1
    assert said in result.err
