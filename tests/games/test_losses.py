import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy

from gan_cli.games.losses import (
    EnergyMargin,
    Hinge,
    LeastSquares,
    Loss,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    RelativisticPairing,
    Targets,
    Wasserstein,
    accuracy,
)

ALL = [
    NonSaturating,
    Minimax,
    Wasserstein,
    LeastSquares,
    Hinge,
    EnergyMargin,
    RelativisticPairing,
    RelativisticAverage,
]
REAL, FAKE = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 3.0])
HARD = Targets(torch.ones(2), torch.zeros(2))
ONE = torch.ones(1)


def softplus(x: float) -> float:
    return math.log(1 + math.exp(x))


# by hand, from the papers' formulas, for D(x) = (2, 0) and D(G(z)) = (-1, 3)
BY_HAND = {
    NonSaturating: (
        (softplus(-2) + softplus(0)) / 2 + (softplus(-1) + softplus(3)) / 2,
        (softplus(1) + softplus(-3)) / 2,
    ),
    Minimax: (
        (softplus(-2) + softplus(0)) / 2 + (softplus(-1) + softplus(3)) / 2,
        -(softplus(-1) + softplus(3)) / 2,
    ),
    Wasserstein: (1 - 1, -1),
    LeastSquares: ((1 + 1) / 4 + (1 + 9) / 4, (4 + 4) / 4),
    Hinge: ((0 + 1) / 2 + (0 + 4) / 2, -1),
    EnergyMargin: (0 + (9 + 13) / 2, -1),  # 10 above the fakes
    RelativisticPairing: ((softplus(-3) + softplus(3)) / 2, (softplus(3) + softplus(-3)) / 2),
    RelativisticAverage: (  # both means are 1
        (softplus(-1) + softplus(1)) / 2 + (softplus(-2) + softplus(2)) / 2,
        (softplus(2) + softplus(-2)) / 2 + (softplus(1) + softplus(-1)) / 2,
    ),
}


@pytest.mark.parametrize("kind", ALL)
def test_values_by_hand(kind: type[Loss]):
    loss = kind()
    discriminator, generator = BY_HAND[kind]
    assert loss.discriminator(REAL, FAKE, HARD).item() == pytest.approx(discriminator)
    real = REAL if loss.generator_sees_real else None
    assert loss.generator(FAKE, real).item() == pytest.approx(generator)


@pytest.mark.parametrize(
    ("kind", "discriminator", "generator"),
    [
        (NonSaturating, math.log(4), math.log(2)),
        (Minimax, math.log(4), -math.log(2)),
        (Wasserstein, 0.0, 0.0),
        (LeastSquares, 0.5, 0.5),
        (Hinge, 2.0, 0.0),
        (RelativisticPairing, math.log(2), math.log(2)),
        (RelativisticAverage, math.log(4), math.log(4)),
    ],
)
def test_where_nothing_is_known(kind, discriminator, generator):
    """D = 1/2: all logits are zero."""
    loss, zero = kind(), torch.zeros(2)
    assert loss.discriminator(zero, zero, HARD).item() == pytest.approx(discriminator)
    assert loss.generator(zero, zero).item() == pytest.approx(generator)


def test_least_squares_where_d_cannot_tell():
    """The optimum of D against a perfect G is 1/2: L_D = 1/8 + 1/8, L_G = 1/8."""
    loss, half = LeastSquares(), torch.full((2,), 0.5)
    assert loss.discriminator(half, half, HARD).item() == pytest.approx(0.25)
    assert loss.generator(half, None).item() == pytest.approx(0.125)


def test_the_best_discriminator_measures_the_divergence():
    """D* = p/(p + q): (log 4 - L_D)/2 is the Jensen-Shannon divergence of p and q.

    For p and q without overlap that is log 2: L_D = 0.
    """
    apart = torch.full((2,), 40.0)
    assert NonSaturating().discriminator(apart, -apart, HARD).item() == pytest.approx(0, abs=1e-6)


def test_soft_targets_are_those_of_cross_entropy():
    targets = Targets(torch.tensor([0.9, 0.7]), torch.tensor([0.1, 0.0]))
    wanted = binary_cross_entropy(REAL.sigmoid(), targets.real) + binary_cross_entropy(
        FAKE.sigmoid(), targets.fake
    )
    found = NonSaturating().discriminator(REAL, FAKE, targets)
    assert found.item() == pytest.approx(wanted.item())


@pytest.mark.parametrize("kind", ALL)
def test_extreme_logits_stay_finite_and_still_pull(kind: type[Loss]):
    real = torch.tensor([-200.0, -200.0], requires_grad=True)
    fake = torch.tensor([200.0, 200.0], requires_grad=True)
    loss = kind()
    wrong = loss.discriminator(real, fake, HARD)
    assert torch.isfinite(wrong)
    for slope, sign in zip(torch.autograd.grad(wrong, [real, fake]), (-1, 1), strict=True):
        assert (slope.sign() == sign).all()


@pytest.mark.parametrize("kind", ALL)
def test_players_pull_fakes_apart(kind: type[Loss]):
    """D wants lower logits of fakes, G higher ones."""
    fake = torch.full((2,), 0.5, requires_grad=True)
    loss = kind()
    (down,) = torch.autograd.grad(loss.discriminator(REAL, fake, HARD), fake)
    (up,) = torch.autograd.grad(loss.generator(fake, REAL), fake)
    assert down.sum() > 0
    assert up.sum() < 0


def test_only_the_non_saturating_loss_teaches_a_losing_generator():
    for kind, least, most in ((NonSaturating, 0.99, 1.01), (Minimax, 0.0, 1e-6)):
        fake = torch.full((1,), -20.0, requires_grad=True)
        (slope,) = torch.autograd.grad(kind().generator(fake, None), fake)
        assert least <= slope.abs().item() <= most


@pytest.mark.parametrize("loss", [kind for kind in ALL if kind is not EnergyMargin])
def test_where_d_is_undecided(loss: type[Loss]) -> None:
    """An image as often real as fake gets that logit, or else only differences count."""

    def d_loss(logit: float, shift: float = 0.0) -> float:
        logits = torch.tensor([logit])
        return float(loss().discriminator(logits + shift, logits + shift, Targets(ONE, 0 * ONE)))

    middle = loss.decision_threshold
    if middle is None:
        assert d_loss(0.3) == pytest.approx(d_loss(0.3, shift=5.0))
    else:
        left, right = d_loss(middle - 1.5), d_loss(middle + 1.5)
        assert d_loss(middle) < left == pytest.approx(right)


@pytest.mark.parametrize("kind", ALL)
def test_a_map_of_logits_counts_as_so_many_images(kind: type[Loss]):
    """PatchGAN: [N, H, W] gives the mean over all patches."""
    real, fake = torch.randn(2, 3, 4, 4)
    targets = Targets(torch.rand(3, 4, 4), torch.rand(3, 4, 4))
    loss, flat = kind(), Targets(targets.real.flatten(), targets.fake.flatten())
    torch.testing.assert_close(
        loss.discriminator(real, fake, targets),
        loss.discriminator(real.flatten(), fake.flatten(), flat),
    )
    torch.testing.assert_close(
        loss.generator(fake, real), loss.generator(fake.flatten(), real.flatten())
    )


def test_accuracy_by_hand():
    """At a threshold of 1/2 two of the three are right as reals, one as fakes."""
    logits = torch.tensor([[0.4], [0.6], [3.0]])
    assert accuracy(logits, 0.5, real=True).item() == pytest.approx(2 / 3)
    assert accuracy(logits, 0.5, real=False).item() == pytest.approx(1 / 3)


def test_only_cross_entropy_bounds_the_divergence():
    """L_D >= log 4 - 2 JS for any D: where p = q no D gets below log 4."""
    x = torch.linspace(-3, 3, 61)
    ones = torch.ones_like(x)
    for kind in ALL:
        lowest = min(
            float(kind().discriminator(one[None], one[None], Targets(ones[:1], 0 * ones[:1])))
            for one in x
        )
        if kind().bounds_divergence:
            assert lowest == pytest.approx(math.log(4))
    assert {kind for kind in ALL if kind().bounds_divergence} == {NonSaturating, Minimax}


def test_a_margin_of_energies():
    """E(x) = 1 and 3; of fakes those beyond m = 4 are let be."""
    loss = EnergyMargin(4.0)
    real = torch.tensor([-1.0, -3.0], requires_grad=True)
    fake = torch.tensor([-1.0, -9.0], requires_grad=True)
    value = loss.discriminator(real, fake, HARD)
    assert value.item() == pytest.approx((1 + 3) / 2 + (3 + 0) / 2)
    value.backward()
    assert real.grad.tolist() == [-0.5, -0.5]
    assert fake.grad.tolist() == [0.5, 0.0]
    assert loss.generator(fake, None).item() == pytest.approx((1 + 9) / 2)
