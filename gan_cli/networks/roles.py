"""The two roles a network can play; what `model.generator` and `model.discriminator` must be."""

import abc

from torch import Tensor, nn

from gan_cli.networks.heads import Head


class Generator(nn.Module, abc.ABC):
    """z and a label to a picture."""

    latent_dim: int
    n_classes: int
    """How many labels there are; 0 where unlabelled, and labels given are ignored."""

    @abc.abstractmethod
    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Pictures [N, C, H, W] in [-1, 1] from z [N, latent_dim] and labels y [N]."""


class Discriminator(nn.Module):
    """Pictures -> body -> features -> head -> score.

    Every discriminator is a constructor of this class. The seam between body and head is where
    more can attach: an auxiliary classifier reads the features, `extend` puts a layer in between.

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
