"""Progressive growing: when, what is trained meanwhile, and what is resumed in the middle of it."""

from pathlib import Path

import pytest
import torch

from gan_cli.exports.formats import to_safetensors
from gan_cli.games.progan import ProGAN
from gan_cli.games.requests import Request
from gan_cli.inference.load import _fill
from gan_cli.networks.progan import as_grown
from gan_cli.tricks.examples import Progress
from tests.conftest import Command
from tests.games.composed import assembled, played
from tests.runs.resuming import check_resume

# levels of 4, 8 and 16 pixels; a level's 8 images and a fade's 8 are two steps each
QUICK = ["model.steady_images=8", "model.fade_images=8"]
NARROW = [
    f"model.{n}.{w}=4" for n in ("generator", "discriminator") for w in ("width", "max_width")
]


def after(images: int) -> Progress:
    return Progress(0, 0.0, 0.0, images)


@pytest.fixture(scope="module")
def game() -> ProGAN:
    found = assembled("progan", "model.steady_images=10", "model.fade_images=20")
    assert isinstance(found, ProGAN)
    return found


@pytest.mark.parametrize(
    ("images", "growth"),
    [(0, 0), (10, 0), (15, 0.25), (29, 0.95), (30, 1), (40, 1), (45, 1.25), (60, 2), (10**9, 2)],
)
def test_growth_follows_the_images_seen(game, images, growth):
    assert game.growth_after(images) == pytest.approx(growth)


def test_without_a_fade_a_level_is_there_at_once():
    game = assembled("progan", "model.steady_images=10", "model.fade_images=0")
    assert [game.growth_after(n) for n in (9, 10, 19, 20, 30)] == [0, 1, 1, 2, 2]


def test_optimizers_forget_where_a_fade_begins_and_ends(game):
    both = ("discriminator", "generator")
    forgets = [n for n in range(0, 80) if game.fresh(after(n), after(n + 1)) == both]
    assert forgets == [10, 29, 40, 59]
    assert not game.fresh(after(11), after(28))


def used(name: str, level: int) -> bool:
    """Whether a weight is in use where `level` is whole."""
    parts = name.split(".")
    place = next((p for p in ("blocks", "to_image", "from_image") if p in parts), None)
    if place is None:
        return True
    number = int(parts[parts.index(place) + 1])
    if place == "blocks":
        return number <= level if "generator" in parts[0] else number < level
    return number == level


def test_what_is_not_in_use_is_left_alone():
    """Two steps of level 0: nothing else changes, nor is remembered of it."""
    trainer = played("progan", *QUICK, steps=2)
    changed = set().union(*trainer.changed.values())
    assert changed == {name for name, _ in trainer.game.named_parameters() if used(name, 0)}


def test_all_of_it_is_trained_in_the_end():
    trainer = played("progan", *QUICK, steps=10)
    changed = set().union(*trainer.changed.values())
    assert changed == {name for name, _ in trainer.game.named_parameters()}
    assert trainer.game.generator.growth == 2.0


def test_a_fade_begins_without_a_memory():
    """In the third step, after 12 images; the fourth is the first one that is remembered."""
    trainer = played("progan", "model.steady_images=8", "model.fade_images=16", steps=3)
    assert not any(player.optimizer.state for player in trainer.players)
    trainer.play()
    for player in trainer.players:
        assert {int(of["step"]) for of in player.optimizer.state.values()} == {1}


def test_samples_are_as_grown_as_the_networks():
    """The mean of weights as those were in the last step, and the reals beside its images too."""
    trainer = played("progan", *QUICK, steps=4)
    assert trainer.game.generator.growth == 1.0
    game, x = trainer.game, torch.rand(2, 1, 16, 16)
    request = game.complete(Request(2, inputs={"image": x}))
    assert trainer.average is not None
    assert trainer.average.networks[0].growth == 0.5
    panels = trainer.draw(request).panels
    assert panels.keys() == {"real", "fake"}
    for images in panels.values():  # two pixels of 16 make one of 8
        assert torch.equal(images[..., ::2], images[..., 1::2])
    assert torch.equal(panels["real"], as_grown(x, 0.5, 2))
    whole = game.real_examples({"image": x})["discriminator"][0]
    assert torch.equal(whole, as_grown(x, 1.0, 2))


def test_an_export_draws_as_grown_as_it_was():
    """Weights go into a file by name, and growth with them."""
    from safetensors.torch import load

    made, other = (assembled("progan") for _ in range(2))
    made.generator.grow_to(1.25)
    _fill(other, load(to_safetensors({"generator": made.generator}, {})))
    assert other.generator.growth == 1.25
    z = torch.randn(2, 6)
    assert torch.equal(other.generator(z), made.generator(z))


def test_labels_come_with_an_auxiliary_classifier():
    labelled = ["tricks=[auxiliary_classifier]", "model.generator.n_classes=10"]
    trainer = played("progan", *QUICK, *labelled, steps=3)
    assert "adversaries.discriminator.network.classifier.weight" in trainer.changed["discriminator"]
    assert trainer.game.n_classes == 10


def test_resumed_in_the_middle_of_a_fade(gan_train: Command, tmp_path: Path) -> None:
    """Of 6 steps of 16 images the third ends a quarter into a fade, and the last ends it."""
    quick = ["model.steady_images=32", "model.fade_images=64", "model.latent_dim=6"]
    check_resume(gan_train, tmp_path, "model=progan", *quick, *NARROW)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.image_size=30", "choose one of 28, 32 (nearest)"),
        ("model.discriminator.image_size=32", "have different image sizes"),
        ("model.fade_images=-1", "model.fade_images"),
        ("model.steady_images=0", "model.steady_images"),
    ],
)
def test_what_cannot_be_is_one_line(gan_train: Command, override: str, said: str) -> None:
    result = gan_train("model=progan", "data=digits", override)
    assert result.code == 2
    assert len(result.problems) == 1
    assert said in result.err
