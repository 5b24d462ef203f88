"""Configs that no run can be made of: each is refused in lines that name the keys."""

import pytest
from omegaconf import OmegaConf
from PIL import Image

from gan_cli.assembly.build import build_game, build_players
from gan_cli.assembly.compatibility import refuse_unfit_data
from gan_cli.assembly.memory import refuse_too_large
from gan_cli.config.reader import read
from gan_cli.errors import UserError
from gan_cli.games.base import Game
from tests.conftest import Command, narrow
from tests.settings import composed, settings_of

VANILLA = ["model=vanilla", *narrow("vanilla")]
ODD = "tests.assembly.odd_parts"


def refused(*arguments: str) -> list[str]:
    """The lines with which such a config is refused, before any data is read."""
    with pytest.raises(UserError) as error:
        built(*arguments)
    assert all(line.isprintable() and len(line) < 700 for line in error.value.problems)
    return list(error.value.problems)


def built(*arguments: str) -> Game:
    settings = settings_of(*arguments)
    fields = settings.data.dataset.build().fields
    refuse_unfit_data(settings.model.cls, fields)
    game = build_game(settings, fields)
    build_players(settings, game)
    return game


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        # optimizers
        (["++optimizer.generator.lr=-1"], "optimizer.generator.lr=-1: should be greater than 0"),
        (
            ["++optimizer.generator.betas=[0.5,1]"],
            "optimizer.generator.betas[1]=1: should be less than 1",
        ),
        (["++optimizer.critic.lr=1e-4"], "optimizer.critic: no such player; there is discrim"),
        (["++optimizer.genrator.lr=1e-4"], "optimizer.genrator: no such player; did you mean gen"),
        (["++optimizer.generator.rate=1"], "optimizer.generator.rate: no such key"),
        (
            ["++optimizer.generator._target_=torch.optim.Adm"],
            "optimizer.generator._target_: torch.optim.Adm cannot be imported",
        ),
        (
            ["++optimizer.generator._target_=gan_cli.games.losses.Hinge"],
            "optimizer.generator._target_: gan_cli.games.losses.Hinge is not a Optimizer",
        ),
        # said once, of the key that both share
        (["optimizer.lr=-1", "++optimizer.generator.eps=1e-7"], "optimizer.lr=-1: should be"),
        (["~optimizer._target_"], "should name an optimizer in optimizer._target_"),
        (["+optimizer.differentiable=true"], "optimizer: Adam cannot train these networks ("),
        # losses
        (["model=cyclegan", "data=digit_inversion", "model.loss=null"], "model.loss=None: should"),
        (["model.loss={_target_:gan_cli.games.losses.Hinge}"], "loss: this model does not use it"),
        (["~loss"], "loss"),
        (["loss._target_=gan_cli.games.losses.Loss"], "loss._target_: gan_cli.games.losses.Loss d"),
        # data
        (
            ["data=digit_outlines"],
            "TwoPlayer needs a field `image` (image or point), and this data",
        ),
        (
            ["model=pix2pix"],
            "Pix2Pix needs a field `source` (image), and this data has `image` (im",
        ),
        (["model=cyclegan", "data=digit_outlines"], "CycleGAN needs a field `a` (image), and this"),
        (["data=gaussians", "model=pix2pix"], "this data has `image` (point 2x1x1), `label` (lab"),
        (
            ["model=cgan", "model.generator.n_classes=3"],
            "model.generator.n_classes: 3 classes, but",
        ),
        (["~data.n_classes", "+data.n_classes=???"], "data.n_classes: missing; give"),
        (["~data.n_classes"], "data.n_classes: missing; give +data.n_classes=..."),
        (["data.n_classes=9"], "data.n_classes=9: should be 10"),
        # tricks
        (["tricks=[r1]", "+tricks.r1.on=[]"], "tricks.r1.on=[]: name one at least, or drop the"),
        (["tricks=[r1]", "+tricks.r1.on=[generator]"], "tricks.r1.on: no adversary generator; th"),
        (["+tricks.r1=5"], "tricks.r1=5: should be a group of keys"),
        (
            ["+tricks.r1={weight:1}"],
            "tricks.r1: this trick is not chosen; name r1 in 'tricks=[...]'",
        ),
        (["+tricks.adversarial={_target_:gan_cli.tricks.penalties.R1,weight:1}"], "tricks"),
        (["+tricks={a.b:{_target_:gan_cli.tricks.penalties.R1,weight:1}}"], "tricks"),
        # classes of one's own
        (
            ["loss._target_=no_such_package.Loss"],
            "loss._target_: no_such_package.Loss cannot be im",
        ),
        (["loss._target_=math.pi"], "loss._target_: math.pi is not a class"),
        # sizes
        (["model.generator.hidden=[1000000,1000000]"], "model: its weights take 3.73e+03 GiB and"),
        (["model.generator.hidden=[4611686018427387904]"], "model"),
        (["model.latent_dim=1000000000000"], "the largest is generator.body.0.weight (8x10000000"),
        (["data.image_size=1000000"], "data: a single `image` (image 1x1000000x1000000) is too la"),
        (
            ["tricks=[experience_replay]", "tricks.experience_replay.size=1000000000000"],
            "the largest is adversaries.discriminator.pool.images (1000000000000x1x16x16)",
        ),
        (
            ["tricks=[minibatch_discrimination]", "tricks.minibatch_discrimination.kernels=1e15"],
            "the largest is adversaries.discriminator.network.body.1.layer.linear.weight",
        ),
    ],
)
def test_a_mistake_costs_one_line(arguments: list[str], said: str) -> None:
    model = [] if any(a.startswith("model=") and a != "model=cgan" for a in arguments) else VANILLA
    model = ["model=cgan", *narrow("cgan")] if "model=cgan" in arguments else model
    lines = refused(*model, *(a for a in arguments if a != "model=cgan"))
    assert len(lines) == 1, lines
    assert said in lines[0]


def test_mistakes_of_different_sections_are_listed_together() -> None:
    lines = refused(
        *(*VANILLA, "seed=-1", "optimizer.lr=0", "++optimizer.generator.rate=1", "data.limit=0"),
        *("trainer.steps=1.5", "+trainer.stpes=3", "evaluation.count=1", "ema.decay=1"),
        *("tricks=[r1]", "tricks.r1.weight=-1", "model.generator.hidden=[0]", "+foo=1"),
    )
    keys = ["seed", "optimizer.lr", "optimizer.generator.rate", "data.limit", "trainer.steps"]
    keys += ["trainer.stpes", "evaluation.count", "ema.decay", "tricks.r1.weight", "foo"]
    keys += ["model.generator.hidden"]
    assert len(lines) == len(keys), lines
    assert all(any(line.startswith(key) for line in lines) for key in keys)


def test_players_may_have_optimizers_of_their_own() -> None:
    settings = settings_of(
        *(*VANILLA, "optimizer.lr=0.1", "++optimizer.generator.lr=0.2"),
        *("++optimizer.discriminator._target_=torch.optim.SGD",),
    )
    game = build_game(settings, settings.data.dataset.build().fields)
    d, g = (player.optimizer for player in build_players(settings, game))
    assert (type(d).__name__, d.defaults["lr"], d.defaults["momentum"]) == ("SGD", 0.1, 0)
    assert (type(g).__name__, g.defaults["lr"], g.defaults["betas"]) == ("Adam", 0.2, (0.5, 0.999))


@pytest.mark.parametrize("loss", ["hinge", "wasserstein", "least_squares", "relativistic"])
def test_losses_are_chosen_by_their_group(loss: str) -> None:
    game = built("model=dcgan", *narrow("dcgan"), f"loss={loss}")
    of = game.adversary("discriminator").loss
    assert type(of).__module__ == "gan_cli.games.losses"
    assert settings_of("model=dcgan", f"loss={loss}").loss.cls is type(of)  # type: ignore[union-attr]


def test_a_model_may_bring_a_loss_of_its_own() -> None:
    own = "model.loss={_target_:gan_cli.games.losses.Hinge}"
    (line,) = refused(*VANILLA, own)
    assert line.endswith("or leave it out with ~loss")
    game = built(*VANILLA, own, "~loss")
    assert type(game.adversary("discriminator").loss).__name__ == "Hinge"


def test_a_class_that_looks_at_its_weights_while_it_is_built_is_not_refused_for_that() -> None:
    eager = f"+model.discriminator={{_target_:{ODD}.Eager,image_size:16,channels:1}}"
    built("model=vanilla", "~model.discriminator", eager)
    settings = settings_of("model=vanilla", "~model.discriminator", eager)
    with pytest.raises(UserError, match="cannot be built"):  # from a checkpoint nothing is guessed
        refuse_too_large(settings, settings.data.dataset.build().fields, held=10**9)


def test_a_conditional_model_on_images_without_labels(gan_train: Command) -> None:
    for number in range(4):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(f"{number}.png")
    flat = ["data=folder", "data.root=.", "data.batch_size=2", "data.image_size=8"]
    for model in ("cgan", "cgan_dcgan", "cgan_projection"):
        result = gan_train(f"model={model}", *flat)
        assert result.code == 2
        assert len(result.problems) == 1, result.err
        assert "it learns classes and the data has no labels" in result.err


def test_references_in_circles() -> None:
    for circle in ({"seed": "${seed}"}, {"seed": "${data.limit}", "data": {"limit": "${seed}"}}):
        config = OmegaConf.merge(composed(*VANILLA), circle)
        with pytest.raises(UserError) as error:
            read(config)  # type: ignore[arg-type]
        assert len(error.value.problems) == 1
