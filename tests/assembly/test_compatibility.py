"""What cannot go together is refused with its key and its reason."""

from itertools import combinations

import pytest
from torch import nn

from gan_cli.assembly.compatibility import conflicts
from gan_cli.engine.ema import EMA
from gan_cli.games.losses import LeastSquares, Minimax, NonSaturating, Wasserstein
from gan_cli.games.unrolled import Unrolled
from gan_cli.networks import dcgan, mlp
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


def refused(
    *tricks: nn.Module,
    normalization="none",
    loss=None,
    n_classes=0,
    of_generator=0,
    image_size=16,
    batch_size=16,
    conditional=False,
) -> dict[str, str]:
    if image_size == 1:
        discriminator = mlp.Discriminator(1, 2)
    else:
        discriminator = dcgan.Discriminator(16, 1, width=4, normalization=normalization)
    generator = mlp.Generator(4, image_size, 1, of_generator, normalization="none")
    return dict(
        conflicts(
            generator,
            discriminator,
            loss or NonSaturating(),
            {f"t{i}": trick for i, trick in enumerate(tricks)},
            conditional=conditional,
            n_classes=n_classes,
            image_size=image_size,
            batch_size=batch_size,
        )
    )


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
    EMA(),
]


def test_most_go_together():
    assert refused(*FRIENDS, n_classes=10, of_generator=10) == {}


@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalties_take_no_discriminator_that_mixes_pictures(penalty):
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
    foreseeable = R1(), FeatureMatching(), InstanceNoise(), HistoricalAveraging(sides=["generator"])
    assert refused(Unrolled(), *foreseeable) == {}
    assert "past" in refused(Unrolled(), ExperienceReplay())["tricks.t1"]
    assert "weights" in refused(HistoricalAveraging(), Unrolled())["tricks.t0"]
    found = refused(Unrolled(), AuxiliaryClassifier(10), n_classes=10, of_generator=10)
    assert "weights" in found["tricks.t1"]


def test_one_of_a_kind():
    for one, other in ((LabelSmoothing(), LabelSmoothing(fake=0.1)), (EMA(), EMA()), (R1(), R1())):
        assert "tricks.t0 does the same" in refused(one, other)["tricks.t1"]
    halves = HistoricalAveraging(sides=["generator"]), HistoricalAveraging(sides=["discriminator"])
    assert refused(*halves) == {}


def test_points_have_no_pixels_to_move():
    assert "2-D point" in refused(DiffAugment(), image_size=1)["tricks.t0"]
    assert refused(InstanceNoise(), image_size=1) == {}


def test_groups_part_the_batch():
    assert "group_size=4" in refused(MinibatchStddev(), batch_size=18)["tricks.t0"]


def test_a_classifier_needs_a_generator_that_is_told_classes():
    assert "cgan" in refused(AuxiliaryClassifier(10), n_classes=10)["tricks.t0"]


def test_what_is_no_trick():
    assert "Linear is not a trick" in refused(nn.Linear(1, 1))["tricks.t0"]


def test_labels_and_networks():
    assert "no labels" in refused(conditional=True)["model.conditional"]
    assert "data.n_classes=10" in refused(n_classes=10, of_generator=3)["model.generator.n_classes"]
    assert "BatchNorm" in refused(batch_size=1, normalization="batch")["data.batch_size"]


def test_no_pair_is_refused_for_its_order():
    tricks = [*FRIENDS, MinibatchDiscrimination(), Unrolled()]
    for one, other in combinations(tricks, 2):
        given = {"n_classes": 10, "of_generator": 10}
        assert bool(refused(one, other, **given)) == bool(refused(other, one, **given))
