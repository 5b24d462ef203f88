"""The vanilla pair: fully connected networks (Goodfellow et al. 2014), and the cGAN's.

With labels they are those of Mirza & Osindero 2014: an embedding of the label joins the latent
vector in G, another joins the flattened image in D. They take any image, points included.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.dropout import UniformDropout
from gan_cli.networks.heads import LinearHead
from gan_cli.networks.labels import AppendLabel
from gan_cli.ranges import Count, LayerSizes, Natural, Probability

NormPlacement = Literal["before_activation", "after_activation"]


class Generator(roles.Generator):
    """Fully connected generator.

    Args:
        latent_dim: length of z.
        image_size: H = W of the images; 1 for points.
        channels: C of the images; for points the number of coordinates.
        n_classes: how many labels there are; 0 where unlabelled.
        hidden: sizes of the hidden layers, from z to the image.
        activation: after every hidden layer.
        normalization: in every hidden layer.
        norm_placement: before_activation as its paper has it (Ioffe & Szegedy 2015), or
            after_activation: dense, LeakyReLU, BatchNorm, as many a code for vanilla GANs does.
        output: tanh for images in [-1, 1], linear for points anywhere in the plane.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        hidden: LayerSizes = (256, 512, 1024),
        activation: layers.Activation = "leaky_relu",
        normalization: Literal["batch", "none"] = "none",
        norm_placement: NormPlacement = "before_activation",
        output: Literal["tanh", "linear"] = "tanh",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.n_classes = n_classes
        self.shape = (channels, image_size, image_size)
        sizes = [latent_dim + n_classes, *hidden]
        self.label_stem = AppendLabel(n_classes)
        self.body = _hidden_layers(sizes, activation, normalization, norm_placement)
        self.out = nn.Sequential(
            nn.Linear(sizes[-1], math.prod(self.shape)),
            nn.Tanh() if output == "tanh" else nn.Identity(),
        )

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        x = self.out(self.body(self.label_stem(z, y)))
        return x.unflatten(1, self.shape)  # [N, C*H*W] -> [N, C, H, W]


class Discriminator(roles.Discriminator):
    """Fully connected discriminator; its features are its last hidden layer.

    Args:
        image_size: H = W of the images; 1 for points.
        channels: C of the images; for points the number of coordinates.
        n_classes: how many labels there are; 0 where unlabelled.
        hidden: sizes of the hidden layers, from the image to the score.
        activation: after every hidden layer.
        dropout: share of every hidden layer that is dropped in training.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        hidden: LayerSizes = (512, 256),
        activation: layers.Activation = "leaky_relu",
        dropout: Probability = 0.3,
    ) -> None:
        sizes = [channels * image_size**2 + n_classes, *hidden]
        super().__init__(
            label_stem=AppendLabel(n_classes),  # [N, C, H, W] -> [N, C*H*W + n_classes]
            body=_hidden_layers(sizes, activation, dropout=dropout),
            head=LinearHead(sizes[-1]),
            n_classes=n_classes,
        )


def _hidden_layers(
    sizes: Sequence[int],
    activation: layers.Activation,
    normalization: Literal["batch", "none"] = "none",
    norm_placement: NormPlacement = "before_activation",
    dropout: float = 0.0,
) -> nn.Sequential:
    modules: list[nn.Module] = []
    for size_in, size_out in pairwise(sizes):
        norm = [nn.BatchNorm1d(size_out)] if normalization == "batch" else []
        first, last = (norm, []) if norm_placement == "before_activation" else ([], norm)
        # A bias right before BatchNorm would be subtracted again.
        modules.append(nn.Linear(size_in, size_out, bias=not first))
        modules += [*first, layers.activation(activation), *last]
        if dropout:
            modules.append(UniformDropout(dropout))
    return nn.Sequential(*modules)
