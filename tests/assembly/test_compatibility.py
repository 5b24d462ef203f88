"""What cannot go together is refused with its key and its reason."""

from itertools import combinations
from types import SimpleNamespace

import pytest

from gan_cli.assembly.compatibility import conflicts, fitting, refuse_unfit_data
from gan_cli.assembly.game import Placed
from gan_cli.config.components import Component
from gan_cli.data.fields import Field
from gan_cli.errors import UserError
from gan_cli.games.cyclegan import CycleGAN
from gan_cli.games.losses import LeastSquares, Minimax, NonSaturating, Wasserstein
from gan_cli.games.pix2pix import Pix2Pix
from gan_cli.games.two_player import TwoPlayer
from gan_cli.games.unrolled import Unrolled
from gan_cli.networks import dcgan, mlp
from gan_cli.tricks.base import Trick
from gan_cli.tricks.hooks import GradientClipping, WeightClipping
from gan_cli.tricks.layers import (
    Dropout,
    LayerNoise,
    MinibatchDiscrimination,
    MinibatchStddev,
    SpectralNorm,
)
from gan_cli.tricks.penalties import DRAGAN, R1, R2, GradientPenalty
from gan_cli.tricks.pools import ExperienceReplay
from gan_cli.tricks.targets import LabelFlipping, LabelSmoothing
from gan_cli.tricks.terms import AuxiliaryClassifier, FeatureMatching, HistoricalAveraging
from gan_cli.tricks.views import DiffAugment, InstanceNoise

PENALTIES = [GradientPenalty, DRAGAN, R1, R2]
IMAGES = {"image": Field("image", (1, 16, 16)), "label": Field("label")}
POINTS = {"image": Field("point", (2, 1, 1)), "label": Field("label")}


def refused(
    *tricks: Trick,
    on: dict[int, list[str]] | None = None,
    normalization="none",
    loss=None,
    n_classes=0,
    of_generator=0,
    points=False,
    batch_size=16,
    conditional=False,
    game_class=TwoPlayer,
) -> dict[str, str]:
    """Reason by key; tricks are called t0, t1, ... and stand everywhere but for what `on` says."""
    size = (1, 2) if points else (16, 1)
    if points:
        discriminator = mlp.Discriminator(*size)
    else:
        discriminator = dcgan.Discriminator(*size, width=4, normalization=normalization)
    generator = mlp.Generator(4, *size, of_generator, normalization="none")
    game = game_class(4, generator, discriminator, loss or NonSaturating())
    game.bind(POINTS if points else IMAGES)
    named = Component(mlp.Generator, {"n_classes": of_generator}, "model.generator")
    settings = SimpleNamespace(
        data=SimpleNamespace(n_classes=n_classes, batch_size=batch_size),
        links={"model.generator.n_classes": "data.n_classes"} if conditional else {},
        model=Component(game_class, {"generator": named, "loss": loss}, "model"),
    )
    placed = [
        Placed(f"t{i}", trick, fitting(game, trick, (on or {}).get(i), f"t{i}"))
        for i, trick in enumerate(tricks)
    ]
    return dict(conflicts(settings, game, placed))  # type: ignore[arg-type]


FRIENDS = [
    LabelSmoothing(),
    LabelFlipping(),
    InstanceNoise(),
    DiffAugment(),
    ExperienceReplay(),
    GradientPenalty(),
    DRAGAN(),
    R1(),
    R2(),
    FeatureMatching(),
    HistoricalAveraging(),
    AuxiliaryClassifier(10),
    SpectralNorm(),
    MinibatchStddev(),
    LayerNoise(),
    Dropout(),
    GradientClipping(),
    WeightClipping(),
]


def test_most_go_together():
    assert refused(*FRIENDS, n_classes=10, of_generator=10) == {}


@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalties_take_no_discriminator_that_mixes_images(penalty):
    assert refused(penalty(), normalization="layer") == {}
    found = refused(penalty(), normalization="batch")["tricks.t0"]
    assert "BatchNorm" in found
    assert "normalization=layer" in found
    found = refused(MinibatchDiscrimination(), penalty())["tricks.t1"]
    assert "tricks.t0" in found


def test_minibatch_discrimination_goes_with_other_terms():
    tricks = MinibatchDiscrimination(), FeatureMatching(), HistoricalAveraging()
    assert refused(*tricks, normalization="batch") == {}


def test_targets_need_a_loss_that_has_some():
    for loss in (NonSaturating(), Minimax(), LeastSquares()):
        assert refused(LabelSmoothing(), loss=loss) == {}
    assert "Wasserstein has no targets" in refused(LabelFlipping(), loss=Wasserstein())["tricks.t0"]


def test_unrolling_takes_what_it_can_foresee():
    foreseeable = R1(), FeatureMatching(), InstanceNoise(), HistoricalAveraging()
    assert refused(*foreseeable, game_class=Unrolled) == {}
    assert "past" in refused(ExperienceReplay(), game_class=Unrolled)["tricks.t0"]
    told = {"n_classes": 10, "of_generator": 10, "game_class": Unrolled}
    assert "weights" in refused(AuxiliaryClassifier(10), **told)["tricks.t0"]


def test_one_of_a_kind():
    for one, other in ((LabelSmoothing(), LabelSmoothing(fake=0.1)), (R1(), R1())):
        assert "tricks.t0 does the same" in refused(one, other)["tricks.t1"]
    halves = HistoricalAveraging(), HistoricalAveraging()
    assert "tricks.t0 does the same" in refused(*halves)["tricks.t1"]
    assert refused(*halves, on={0: ["generator"], 1: ["discriminator"]}) == {}


def test_points_have_no_pixels_to_move():
    assert "2-D point" in refused(DiffAugment(), points=True)["tricks.t0"]
    assert refused(InstanceNoise(), points=True) == {}


def test_groups_part_the_batch():
    assert "groups of 2 to 4" in refused(MinibatchStddev(), batch_size=35)["tricks.t0"]
    assert refused(MinibatchStddev(), batch_size=18) == {}


def test_a_classifier_needs_a_generator_that_is_told_classes():
    assert "cgan" in refused(AuxiliaryClassifier(10), n_classes=10)["tricks.t0"]


def test_labels_and_networks():
    assert "no labels" in refused(conditional=True)["model"]
    assert "data.n_classes=10" in refused(n_classes=10, of_generator=3)["model.generator.n_classes"]
    assert "BatchNorm" in refused(batch_size=1, normalization="batch")["data.batch_size"]


def test_no_pair_is_refused_for_its_order():
    tricks = [*FRIENDS, MinibatchDiscrimination()]
    for one, other in combinations(tricks, 2):
        given = {"n_classes": 10, "of_generator": 10, "normalization": "layer"}
        assert bool(refused(one, other, **given)) == bool(refused(other, one, **given))


def test_a_place_that_is_not_there():
    with pytest.raises(UserError, match=r"tricks.t0.on: no player discriminatr; did you mean disc"):
        refused(HistoricalAveraging(), on={0: ["discriminatr"]})
    with pytest.raises(UserError, match=r"tricks.t0.on: no adversary a; there is discriminator"):
        refused(R1(), on={0: ["a"]})


@pytest.mark.parametrize(
    ("game", "fields", "said"),
    [
        (Pix2Pix, IMAGES, r"Pix2Pix needs a field `source` \(image\).* `image` \(image 1x16x16\)"),
        (CycleGAN, POINTS, r"CycleGAN needs a field `a` \(image\).* `image` \(point 2x1x1\)"),
        (
            TwoPlayer,
            {"source": Field("image", (1, 8, 8)), "target": Field("image", (1, 8, 8))},
            r"`image` \(image or point\), and this data has `source` \(image 1x8x8\), `target`",
        ),
        (
            TwoPlayer,
            {"image": Field("wave", (1, 100))},
            r"`image` \(image or point\), and that of this data is a wave 1x100",
        ),
    ],
)
def test_a_game_and_data_of_another_kind(game, fields, said):
    with pytest.raises(UserError, match=said):
        refuse_unfit_data(game, fields)


def test_a_game_and_data_of_its_kind():
    refuse_unfit_data(TwoPlayer, POINTS)
    refuse_unfit_data(TwoPlayer, {"image": IMAGES["image"]})
