"""The last layer of a discriminator: from features to logits."""

from typing import Literal, Self

from torch import Tensor, nn

from gan_cli.networks.equalised import EqualisedLinear
from gan_cli.networks.labels import required
from gan_cli.networks.layers import WeightNorm, weight_normalized


class LinearHead(nn.Module):
    """One number from the features.

    Args:
        feature_dim: F.
        bias: whether a bias is added.
        equalised: whether its learning rate is, as in the layers of `networks.equalised`.
    """

    def __init__(self, feature_dim: int, bias: bool = True, equalised: bool = False) -> None:
        super().__init__()
        self.feature_dim, self.equalised = feature_dim, equalised
        self.linear: nn.Linear
        if equalised:
            self.linear = EqualisedLinear(feature_dim, 1, bias, gain=1.0)
        else:
            self.linear = nn.Linear(feature_dim, 1, bias=bias)

    def forward(self, features: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, F] -> [N]; labels change nothing."""
        return self.linear(features).squeeze(1)  # [N, 1] -> [N]

    def resized(self, feature_dim: int) -> Self:
        """Return a fresh head of this kind for another number of features."""
        return type(self)(feature_dim, self.linear.bias is not None, self.equalised)


class ProjectionHead(nn.Module):
    """One number that asks besides how well features and label agree.

    score = w . features + b + <embedding(y), features> (Miyato & Koyama 2018, equation 4).

    Args:
        feature_dim: F.
        n_classes: at least 1.
        bias: whether a bias is added.
    """

    def __init__(self, feature_dim: int, n_classes: int, bias: bool = True) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.n_classes = n_classes
        self.linear = nn.Linear(feature_dim, 1, bias=bias)
        self.embedding = nn.Embedding(n_classes, feature_dim)
        # torch's N(0, 1) would drown the first term; the paper's code draws from this one.
        nn.init.xavier_uniform_(self.embedding.weight)

    def forward(self, features: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, F] with labels [N] -> [N]."""
        agreement = (self.embedding(required(y, self.n_classes)) * features).sum(1)
        return self.linear(features).squeeze(1) + agreement  # [N]

    def resized(self, feature_dim: int) -> Self:
        """Return a fresh head of this kind for another number of features."""
        return type(self)(feature_dim, self.n_classes, bias=self.linear.bias is not None)


class PatchHead(nn.Module):
    """One number for every patch of the image: a convolution over a map of features.

    Args:
        feature_dim: F.
        kernel: width of the square it reads; 4, which makes the map one pixel smaller, or 1.
        bias: whether a bias is added.
    """

    def __init__(self, feature_dim: int, kernel: Literal[1, 4] = 4, bias: bool = True) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.kernel: Literal[1, 4] = kernel
        self.conv = nn.Conv2d(feature_dim, 1, kernel, padding=kernel // 4, bias=bias)

    def forward(self, features: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, F, H, W] -> [N, H - 1, W - 1], or [N, H, W] with kernel 1; labels change nothing."""
        return self.conv(features).squeeze(1)  # [N, 1, H', W'] -> [N, H', W']

    def resized(self, feature_dim: int) -> Self:
        """Return a fresh head of this kind for another number of features."""
        return type(self)(feature_dim, self.kernel, bias=self.conv.bias is not None)


class MatchingHead(nn.Module):
    """One number that says how well the features match the label, and nothing without it.

    score = <W features, embedding(y)>, as R3GAN has it (Huang et al. 2024).

    Args:
        feature_dim: F.
        n_classes: at least 1.
        embedding_dim: numbers that stand for a label.
    """

    def __init__(self, feature_dim: int, n_classes: int, embedding_dim: int) -> None:
        super().__init__()
        self.feature_dim, self.n_classes, self.embedding_dim = feature_dim, n_classes, embedding_dim
        self.linear = nn.Linear(feature_dim, embedding_dim, bias=False)
        self.embedding = nn.Embedding(n_classes, embedding_dim)
        nn.init.normal_(self.linear.weight, 0.0, feature_dim**-0.5)
        # a dense layer of a one-hot label, scaled so that the products add up to a variance of 1
        nn.init.normal_(self.embedding.weight, 0.0, (n_classes * embedding_dim) ** -0.5)

    def forward(self, features: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, F] with labels [N] -> [N]."""
        return (self.linear(features) * self.embedding(required(y, self.n_classes))).sum(1)

    def resized(self, feature_dim: int) -> Self:
        """Return a fresh head of this kind for another number of features."""
        return type(self)(feature_dim, self.n_classes, self.embedding_dim)


class StripHead(nn.Module):
    """One number for every place of a map whose rows or columns do not mix.

    Args:
        feature_dim: F.
        kernel: height and width of what it reads, odd; one of them is 1.
        norm: of its weight.
    """

    def __init__(self, feature_dim: int, kernel: tuple[int, int], norm: WeightNorm) -> None:
        super().__init__()
        self.feature_dim, self.kernel, self.norm = feature_dim, kernel, norm
        padding = kernel[0] // 2, kernel[1] // 2
        self.conv = weight_normalized(nn.Conv2d(feature_dim, 1, kernel, padding=padding), norm)

    def forward(self, features: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, F, H, W] -> [N, H, W]; labels change nothing."""
        return self.conv(features).squeeze(1)  # [N, 1, H, W] -> [N, H, W]

    def resized(self, feature_dim: int) -> Self:
        """Return a fresh head of this kind for another number of features."""
        return type(self)(feature_dim, self.kernel, self.norm)


Head = LinearHead | ProjectionHead | PatchHead | MatchingHead | StripHead


def projection_or_linear(
    feature_dim: int, n_classes: int, bias: bool = True
) -> LinearHead | ProjectionHead:
    """Return the projection head of a labelled network, the linear one of an unlabelled one."""
    if n_classes:
        return ProjectionHead(feature_dim, n_classes, bias)
    return LinearHead(feature_dim, bias)
