"""The vanilla pair: fully connected networks (Goodfellow et al. 2014), and the cGAN's.

With labels they are those of Mirza & Osindero 2014: an embedding of the label joins the latent
vector in G, another joins the flattened picture in D. They take any picture, points included.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.heads import LinearHead
from gan_cli.networks.labels import AppendLabel
from gan_cli.ranges import Count, Natural, Share


class Generator(roles.Generator):
    """Fully connected generator.

    Args:
        latent_dim: length of z.
        image_size: H = W of the pictures; 1 for points.
        channels: C of the pictures; for points the number of coordinates.
        n_classes: how many labels there are; 0 where unlabelled.
        hidden: sizes of the hidden layers, from z to the picture.
        activation: after every hidden layer.
        normalization: before every hidden activation.
        output: tanh for pictures in [-1, 1], linear for points anywhere in the plane.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        hidden: Sequence[Count] = (256, 512, 1024),
        activation: layers.Activation = "leaky_relu",
        normalization: Literal["batch", "none"] = "none",
        output: Literal["tanh", "linear"] = "tanh",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.n_classes = n_classes
        self.shape = (channels, image_size, image_size)
        sizes = [latent_dim + n_classes, *hidden]
        self.entrance = AppendLabel(n_classes)
        self.body = _hidden_layers(sizes, activation, normalization=normalization)
        self.out = nn.Sequential(
            nn.Linear(sizes[-1], math.prod(self.shape)),
            nn.Tanh() if output == "tanh" else nn.Identity(),
        )

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make pictures [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        x = self.out(self.body(self.entrance(z, y)))
        return x.unflatten(1, self.shape)  # [N, C*H*W] -> [N, C, H, W]


class Discriminator(roles.Discriminator):
    """Fully connected discriminator; its features are its last hidden layer.

    Args:
        image_size: H = W of the pictures; 1 for points.
        channels: C of the pictures; for points the number of coordinates.
        n_classes: how many labels there are; 0 where unlabelled.
        hidden: sizes of the hidden layers, from the picture to the score.
        activation: after every hidden layer.
        dropout: share of every hidden layer that is dropped in training.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        hidden: Sequence[Count] = (512, 256),
        activation: layers.Activation = "leaky_relu",
        dropout: Share = 0.3,
    ) -> None:
        sizes = [channels * image_size**2 + n_classes, *hidden]
        super().__init__(
            entrance=AppendLabel(n_classes),  # [N, C, H, W] -> [N, C*H*W + n_classes]
            body=_hidden_layers(sizes, activation, dropout=dropout),
            head=LinearHead(sizes[-1]),
            n_classes=n_classes,
        )


def _hidden_layers(
    sizes: Sequence[int],
    activation: layers.Activation,
    normalization: Literal["batch", "none"] = "none",
    dropout: float = 0.0,
) -> nn.Sequential:
    modules: list[nn.Module] = []
    for size_in, size_out in pairwise(sizes):
        # A bias before BatchNorm would be subtracted again.
        modules.append(nn.Linear(size_in, size_out, bias=normalization == "none"))
        if normalization == "batch":
            modules.append(nn.BatchNorm1d(size_out))
        modules.append(layers.activation(activation))
        if dropout:
            modules.append(nn.Dropout(dropout))
    return nn.Sequential(*modules)
