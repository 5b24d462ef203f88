"""Terms added to a loss."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gan_cli.networks.roles import Discriminator
from gan_cli.ranges import Count, NonNegative
from gan_cli.tricks.base import Layer, Term, WeightTerm
from gan_cli.tricks.examples import RealFakeBatch, Role
from gan_cli.tricks.schedules import Schedule


class FeatureMatching(Term):
    """||E f(x) - E f(G(z))||^2 / F for D's features f (Salimans et al. 2016, section 3.1).

    Divided by the number of features F, as in the paper's code, so that `weight` means the same
    for networks of any width.
    """

    roles = ("generator",)
    reads_batch = True

    def __init__(self, weight: NonNegative | Schedule = 1.0, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The squared distance of mean features before its weight."""
        real, fake = batch.real.features.mean(0), batch.fake.features.mean(0)  # [F]
        return ((real - fake) ** 2).mean()


class HistoricalAveraging(WeightTerm):
    """||theta - mean of past theta||^2 (Salimans et al. 2016, section 3.3).

    The past are the weights at each earlier turn in which the term was computed.

    Args:
        weight: of the term; the paper states none.
        every: see `Lazy`.
    """

    mean: Tensor
    count: Tensor

    def __init__(self, weight: NonNegative | Schedule = 1e-3, every: Count = 1) -> None:
        super().__init__(weight, every)

    def attach(self, parameters: Sequence[Tensor]) -> None:
        """Begin at the present weights, so that the first turn has no distance to its past."""
        self.register_buffer("mean", _flat(parameters).detach())
        self.register_buffer("count", torch.zeros(()))

    def forward(self, parameters: Sequence[Tensor]) -> Tensor:
        """The squared distance to the past before its weight; the present becomes past."""
        theta = _flat(parameters)
        distance = ((theta - self.mean) ** 2).sum()
        with torch.no_grad():
            self.count += 1
            self.mean.lerp_(theta.detach(), 1 / self.count)
        return distance


def _flat(parameters: Sequence[Tensor]) -> Tensor:
    return torch.cat([p.flatten() for p in parameters])


class AuxiliaryClassifier(Layer, Term):
    """D also tells the classes, and G is to make images it can tell (AC-GAN, Odena et al. 2017).

    Minus the paper's L_C (equation 3): in D's loss the cross-entropies of the real and of the fake
    images, in G's that of the fake ones. D gets a second, linear head for it, which its optimizer
    trains.

    Args:
        n_classes: how many classes there are.
        weight: of the term in both losses.
        every: see `Lazy`.
    """

    stage = "heads"
    roles = ("discriminator", "generator")
    reads_network = True

    def __init__(
        self, n_classes: Count, weight: NonNegative | Schedule = 1.0, every: Count = 1
    ) -> None:
        super().__init__(weight, every)
        self.n_classes = n_classes

    def apply_to(self, network: Discriminator) -> None:
        """Give D the second head, `network.classifier`: [N, F] -> [N, n_classes]."""
        network.classifier = nn.Linear(network.feature_dim, self.n_classes)

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The cross-entropies of this role before their weight."""
        classifier = batch.discriminator.get_submodule("classifier")
        seen = [batch.fake, batch.real] if role == "discriminator" else [batch.fake]
        losses = []
        for examples in seen:
            assert examples.label is not None
            losses.append(cross_entropy(classifier(examples.features), examples.label))
        return torch.stack(losses).sum()
