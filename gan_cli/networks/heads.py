"""What every discriminator is made of: a body that finds features and a head that scores them."""

from typing import Self

from torch import Tensor, nn

from gan_cli.networks.labels import required


class LinearHead(nn.Module):
    """One number from the features.

    Args:
        feature_dim: F.
        bias: whether a bias is added.
    """

    def __init__(self, feature_dim: int, bias: bool = True) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.linear = nn.Linear(feature_dim, 1, bias=bias)

    def forward(self, features: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, F] -> [N]; labels change nothing."""
        return self.linear(features).squeeze(1)  # [N, 1] -> [N]

    def resized(self, feature_dim: int) -> Self:
        """Return a fresh head of this kind for another number of features."""
        return type(self)(feature_dim, bias=self.linear.bias is not None)


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


Head = LinearHead | ProjectionHead


def projection_or_linear(feature_dim: int, n_classes: int, bias: bool = True) -> Head:
    """Return the projection head of a labelled network, the linear one of an unlabelled one."""
    if n_classes:
        return ProjectionHead(feature_dim, n_classes, bias)
    return LinearHead(feature_dim, bias)


class BodyAndHead(nn.Module):
    """A discriminator: pictures -> body -> features -> head -> score.

    Discriminators are constructors of this class. The seam between body and head is where further
    judges attach: an auxiliary classifier reads the features, `extend` puts a layer in between.

    Args:
        body: pictures [N, C, H, W], or what `entrance` makes of them, -> features [N, F].
        head: features [N, F] and labels [N] or None -> scores [N].
        n_classes: how many labels there are; 0 where unlabelled, and labels given are ignored.
        entrance: takes pictures and labels, for a body that is told the label.
    """

    def __init__(
        self, body: nn.Module, head: Head, n_classes: int, entrance: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.entrance = entrance
        self.body = body
        self.head = head

    @property
    def feature_dim(self) -> int:
        """F, the number of features the head reads."""
        return self.head.feature_dim

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """What the head judges by: [N, C, H, W] -> [N, F]."""
        return self.body(x if self.entrance is None else self.entrance(x, y))

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Score pictures x [N, C, H, W] with labels y [N]: logits [N] and features [N, F].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        features = self.features(x, y)
        return self.head(features, y), features

    def extend(self, layer: nn.Module, feature_dim: int) -> None:
        """Put a layer, [N, F] -> [N, feature_dim], behind the body and start a head to match.

        To be done before training, and before the head is parametrised or given to an optimizer.
        """
        self.body = nn.Sequential(self.body, layer)
        self.head = self.head.resized(feature_dim)
