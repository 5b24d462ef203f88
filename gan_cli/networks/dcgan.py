"""DCGAN (Radford et al. 2016): strided convolutions, no pooling, no hidden dense layers.

G opens with a map of 4 to 7 pixels and doubles it until `image_size`; D halves back to it. `width`
is the number of channels next to the image and doubles inwards: 128 gives the 128-256-512 of a
32x32 network and, capped at 1024, the original 1024-512-256-128 at 64x64; 64 gives the narrower
64x64 network of most tutorials.
"""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.networks.heads import projection_or_linear
from gan_cli.networks.labels import AppendLabel, LabelPlane
from gan_cli.ranges import Count, LayerCount, Natural


class Generator(roles.Generator):
    """Transposed convolutions from z to an image in [-1, 1].

    Labels join z as an embedding of n_classes numbers. Convolutions have biases only where nothing
    is normalised, since BatchNorm subtracts them; the output follows suit, as published.

    Args:
        latent_dim: length of z.
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling of channels ends.
        depth: how often the first map is doubled; null starts at 4 to 7 pixels.
        activation: after every hidden layer.
        normalization: after every convolution but the last.

    Raises:
        ValueError: no first map leads to `image_size`, or `max_width` is below `width`.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 128,
        max_width: Count = 1024,
        depth: LayerCount | None = None,
        activation: layers.Activation = "relu",
        normalization: layers.Normalization = "batch",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.n_classes = n_classes
        base, count = layers.doublings(image_size, depth)
        sizes = layers.widths(width, count, max_width)[::-1]
        bias = normalization == "none"
        modules: list[nn.Module] = [
            layers.LatentToMap(latent_dim + n_classes, sizes[0], base, bias=bias)
        ]
        for size_in, size_out in pairwise([*sizes, channels]):
            modules += [
                layers.normalization(normalization, size_in),
                layers.activation(activation),
                TransposedConvolution(size_in, size_out, 4, stride=2, padding=1, bias=bias),
            ]
        self.label_stem = AppendLabel(n_classes)
        self.body = nn.Sequential(*modules, nn.Tanh())
        layers.init_normal(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        return self.body(self.label_stem(z, y))


class Discriminator(roles.Discriminator):
    """Convolutions of stride 2 from an image to a map of features, and one score of it all.

    The features are that last map, flattened, so that the paper's last convolution, as large as
    the map, is the head. Labels meet them in a projection (Miyato & Koyama 2018), or come with the
    image as one more channel. Biases are as in G.

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels behind the first convolution, doubled with every further one.
        max_width: where that doubling of channels ends.
        depth: how often the image is halved; null ends at 4 to 7 pixels.
        activation: after every convolution.
        normalization: after every convolution but the first; under a gradient penalty not batch.
        conditioning: how labels are used, where there are any.

    Raises:
        ValueError: `image_size` cannot be halved so often, or `max_width` is below `width`.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 128,
        max_width: Count = 1024,
        depth: LayerCount | None = None,
        activation: layers.Activation = "leaky_relu",
        normalization: layers.Normalization = "batch",
        conditioning: Literal["projection", "channels"] = "projection",
    ) -> None:
        base, count = layers.doublings(image_size, depth)
        sizes = layers.widths(width, count, max_width)
        bias = normalization == "none"
        label_stem, labels_of_head = None, n_classes
        if n_classes and conditioning == "channels":
            label_stem, labels_of_head = LabelPlane(n_classes, image_size), 0
            channels += 1

        def halve(size_in: int, size_out: int) -> nn.Conv2d:
            return Convolution(size_in, size_out, 4, stride=2, padding=1, bias=bias)

        modules = [halve(channels, sizes[0]), layers.activation(activation)]
        for size_in, size_out in pairwise(sizes):
            modules += [
                halve(size_in, size_out),
                layers.normalization(normalization, size_out),
                layers.activation(activation),
            ]
        super().__init__(
            label_stem=label_stem,
            body=nn.Sequential(*modules, nn.Flatten()),  # [N, F/base^2, base, base] -> [N, F]
            head=projection_or_linear(sizes[-1] * base**2, labels_of_head, bias),
            n_classes=n_classes,
        )
        layers.init_normal(self)
