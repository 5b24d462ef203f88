"""Terms added to a loss."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from gan_cli.data.fields import Batch
from gan_cli.networks.roles import Discriminator, StyleGenerator
from gan_cli.ranges import Count, Natural, NonNegative, Probability
from gan_cli.tricks.base import Layer, NetworkTerm, Term, WeightTerm
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


class PullAway(Term):
    """Mean squared cosine between D's features of any two fakes (Zhao et al. 2017, equation 5).

    1 / (N (N - 1)) sum over i != j of (s_i . s_j / (||s_i|| ||s_j||))^2: fakes are to differ. In
    EBGAN, whose D is an autoencoder, the features are its code.
    """

    roles = ("generator",)

    def __init__(self, weight: NonNegative = 0.1, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The mean before its weight, in [0, 1]; 0 of a single fake."""
        s = normalize(batch.fake.features, dim=1)
        others = 1 - torch.eye(len(s), device=s.device, dtype=s.dtype)
        with torch.autocast(s.device.type, enabled=False):
            return ((s @ s.T) ** 2 * others).sum() / max(len(s) * (len(s) - 1), 1)


class Drift(Term):
    """E[D(x)^2] of real images (Karras et al. 2018, appendix A.1).

    A loss of differences alone, such as Wasserstein's, leaves it open where all logits lie.

    Args:
        weight: the paper's epsilon_drift.
        every: see `Lazy`.
    """

    def __init__(self, weight: NonNegative | Schedule = 1e-3, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The mean square of D's logits before its weight."""
        return batch.real.logits.square().mean()


class HistoricalAveraging(WeightTerm):
    """||theta - mean of past theta||^2 (Salimans et al. 2016, section 3.3).

    The past are the weights at each earlier turn in which the term was computed, where a batch is
    played in parts (`trainer.accumulate`) at each part.

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


class OrthogonalRegularization(WeightTerm):
    """sum over weights of ||W W^T off its diagonal||^2 (Brock et al. 2019, equation 3).

    It keeps the rows of each weight, one for every unit or filter, at right angles and lets them be
    as long as they are. What has no rows, biases and gains, is left alone.

    Args:
        weight: beta; the paper's is 1e-4.
        every: see `Lazy`.
    """

    def __init__(self, weight: NonNegative | Schedule = 1e-4, every: Count = 1) -> None:
        super().__init__(weight, every)

    def attach(self, parameters: Sequence[Tensor]) -> None:
        """Nothing is remembered."""

    def forward(self, parameters: Sequence[Tensor]) -> Tensor:
        """The sum before its weight."""
        losses = []
        for w in (p.flatten(1) for p in parameters if p.ndim > 1):  # [rows, ...]
            with torch.autocast(w.device.type, enabled=False):  # what is left is a difference
                products = w @ w.T
            losses.append((products**2).sum() - (products.diagonal() ** 2).sum())
        return torch.stack(losses).sum()


class PathLength(NetworkTerm):
    """E[(||J_w^T y||_2 - a)^2] (Karras et al. 2020, "Analyzing and improving", equation 4).

    J_w is how the image changes with the style, y normal noise over its pixels, a the running mean
    of these lengths. They are taken over all layers' styles together, of fakes of their own.

    Args:
        weight: of the term; 2 in the authors' code.
        every: see `Lazy`.
        decay: the part of a that each time is new.
        shrink: the batch is so many times smaller than that of real images.
    """

    of = StyleGenerator
    mean: Tensor

    def __init__(
        self,
        weight: NonNegative | Schedule = 2.0,
        every: Count = 4,
        decay: Probability = 0.01,
        shrink: Count = 2,
    ) -> None:
        super().__init__(weight, every)
        self.decay, self.shrink = decay, shrink
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, network: StyleGenerator, batch: Batch) -> Tensor:
        """The mean squared difference before its weight; the mean of lengths follows."""
        x = next(iter(batch.values()))
        count = max(len(x) // self.shrink, 1)
        label = batch["label"][:count] if network.n_classes else None
        with torch.autocast(x.device.type, enabled=False):  # it is differentiated twice
            styles = network.styles(torch.randn(count, network.latent_dim, device=x.device), label)
            images = network.synthesize(styles)
            noise = torch.randn_like(images) / math.sqrt(math.prod(images.shape[2:]))
            (slope,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
        length = slope.square().sum(2).mean(1).sqrt()  # [N, L, style_dim] -> [N]
        with torch.no_grad():
            self.mean.lerp_(length.mean(), self.decay)
        return (length - self.mean).square().mean()


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
        self, n_classes: Natural, weight: NonNegative | Schedule = 1.0, every: Count = 1
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
