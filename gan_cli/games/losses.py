"""Losses: what D minimises and what G minimises, from logits alone.

Cross-entropies are written with softplus, never as log(sigmoid): -log sigmoid(s) = softplus(-s)
and -log(1 - sigmoid(s)) = softplus(s).
"""

import abc
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus

from gan_cli.ranges import Positive


class Targets(NamedTuple):
    """What D is told: the probability of being real, of the shape of its logits."""

    real: Tensor
    fake: Tensor


class Loss(abc.ABC):
    """A pair of losses of logits, [N] or a map [N, ...]; results are scalars, means over them."""

    takes_targets = False
    """Whether D's targets can be smoothed or flipped."""
    generator_sees_real = False
    """Whether G's loss reads D's logits of real images."""
    decision_threshold: float | None = None
    """The logit of a D that cannot tell; None where only differences of logits count."""
    margin = 1.0
    """How far from `decision_threshold` a logit lies that leaves little doubt."""
    reads_batch = False
    """Whether it is no mean over samples, so that a batch in parts gives another value."""
    bounds_divergence = False
    """Whether D's loss, with targets 1 and 0, bounds the Jensen-Shannon divergence from below."""

    @abc.abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """What D minimises."""

    @abc.abstractmethod
    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """What G minimises; `real` is given where `generator_sees_real`."""


def accuracy(logits: Tensor, threshold: float, real: bool) -> Tensor:
    """How many images D takes for what they are, a scalar in [0, 1].

    Args:
        logits: D's, of any shape.
        threshold: above it an image, or a patch of one, counts as real.
        real: whether they are.
    """
    return ((logits > threshold) == real).float().mean()


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean of -[t log s(logit) + (1 - t) log(1 - s(logit))], s the sigmoid."""
    return (softplus(logits) - target * logits).mean()


class NonSaturating(Loss):
    """Goodfellow et al. 2014, eq. 1, with G maximising log D(G(z)) (section 3).

    At D = 1/2: L_D = log 4, L_G = log 2.
    """

    takes_targets = True
    decision_threshold, margin = 0.0, 2.0  # tanh(s / 2) = 2 sigmoid(s) - 1
    bounds_divergence = True

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """-[log D(x) + log(1 - D(G(z)))] for targets 1 and 0."""
        return cross_entropy(real, targets.real) + cross_entropy(fake, targets.fake)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """-log D(G(z))."""
        return softplus(-fake).mean()


class Minimax(NonSaturating):
    """Goodfellow et al. 2014, eq. 1 as it stands; saturates where D wins.

    At D = 1/2: L_G = -log 2.
    """

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """log(1 - D(G(z)))."""
        return -softplus(fake).mean()


class Wasserstein(Loss):
    """Arjovsky et al. 2017, eq. 2: the critic maximises E[D(x)] - E[D(G(z))]."""

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """Minus the estimated distance."""
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """-E[D(G(z))]."""
        return -fake.mean()


class LeastSquares(Loss):
    """LSGAN, Mao et al. 2017, eq. 9 (a = 0, b = c = 1)."""

    takes_targets = True
    decision_threshold, margin = 0.5, 0.5  # halfway between 0 and 1

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """(D(x) - 1)^2 / 2 + D(G(z))^2 / 2 for targets 1 and 0."""
        return 0.5 * ((real - targets.real) ** 2 + (fake - targets.fake) ** 2).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """(D(G(z)) - 1)^2 / 2."""
        return 0.5 * ((fake - 1.0) ** 2).mean()


class Hinge(Loss):
    """Lim & Ye 2017; Miyato et al. 2018, eq. 16 and 17."""

    decision_threshold, margin = 0.0, 1.0  # its margins

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """relu(1 - D(x)) + relu(1 + D(G(z)))."""
        return relu(1.0 - real).mean() + relu(1.0 + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """-D(G(z))."""
        return -fake.mean()


class EnergyMargin(Loss):
    """EBGAN, Zhao et al. 2017, eq. 1 and 2, for a D whose logit is minus an energy E.

    E(x) + [m - E(G(z))]+ for D and E(G(z)) for G. Of any other D it makes a hinge between 0, which
    reals should exceed, and -m.

    Args:
        energy: m, the energy beyond which D does not care how odd a fake is; in the unit of D's
            energy. The paper's are of Euclidean lengths: 10 of MNIST's digits, 20 of faces.
    """

    def __init__(self, energy: Positive = 10.0) -> None:
        self.energy = energy

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """relu(-D(x)) + relu(m + D(G(z)))."""
        return relu(-real).mean() + relu(self.energy + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """-D(G(z))."""
        return -fake.mean()


class RelativisticPairing(Loss):
    """RpGAN, Jolicoeur-Martineau 2019: is this real more real than that fake?"""

    generator_sees_real = True

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """-log s(D(x) - D(G(z))), s the sigmoid; pairs by position in the batch."""
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """The mirror: -log s(D(G(z)) - D(x))."""
        assert real is not None
        return softplus(real - fake).mean()


class RelativisticAverage(Loss):
    """RaGAN, Jolicoeur-Martineau 2019, eq. 6 and 7: against the mean logit of the other kind."""

    generator_sees_real = True
    reads_batch = True

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """Reals above the average fake, fakes below the average real."""
        return softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """The mirror of D's loss."""
        assert real is not None
        return softplus(real.mean() - fake).mean() + softplus(real - fake.mean()).mean()
