"""The plain convolutional pair of SNGAN (Miyato et al. 2018, appendix B, table 3).

Spectral norm itself is a trick, laid on D from outside. `width` is 64 in the paper: at 32x32 G goes
512-256-128-64, D 64-64-128-128-256-256-512. Layers have biases, weights come from N(0, 0.02).
"""

from itertools import pairwise

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.networks.heads import projection_or_linear
from gan_cli.networks.labels import AppendLabel
from gan_cli.ranges import Count, Natural


class Generator(roles.Generator):
    """A dense layer to a map of 4 to 7 pixels, transposed convolutions, a 3x3 convolution, tanh.

    Labels join z as an embedding of n_classes numbers.

    Args:
        latent_dim: length of z; 128 in the paper.
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling ends.

    Raises:
        ValueError: no first map leads to `image_size`, or `max_width` is below `width`.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 64,
        max_width: Count = 512,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.n_classes = n_classes
        base, count = layers.doublings(image_size)
        sizes = layers.widths(width, count + 1, max_width)[::-1]
        modules: list[nn.Module] = [
            nn.Linear(latent_dim + n_classes, sizes[0] * base**2),
            nn.Unflatten(1, (sizes[0], base, base)),  # [N, K*base*base] -> [N, K, base, base]
        ]
        for size_in, size_out in pairwise(sizes):
            modules += [
                TransposedConvolution(size_in, size_out, 4, stride=2, padding=1),
                nn.BatchNorm2d(size_out),
                nn.ReLU(inplace=True),
            ]
        self.label_stem = AppendLabel(n_classes)
        self.body = nn.Sequential(*modules, Convolution(width, channels, 3, padding=1), nn.Tanh())
        layers.init_normal(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        return self.body(self.label_stem(z, y))


class Discriminator(roles.Discriminator):
    """For every halving a 3x3 convolution and a 4x4 one of stride 2, one more 3x3, a dense layer.

    LeakyReLU of slope 0.1 and no normalisation. Labels meet the features in a projection (Miyato &
    Koyama 2018).

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels of the first convolution, doubled with every halving of the image.
        max_width: where that doubling ends.

    Raises:
        ValueError: halving `image_size` does not end at 4 to 7 pixels, or `max_width` is below
            `width`.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 64,
        max_width: Count = 512,
    ) -> None:
        base, count = layers.doublings(image_size)
        *sizes, last = layers.widths(width, count + 1, max_width)
        modules: list[nn.Module] = []
        for size_in, size_out in pairwise([channels, *sizes]):
            modules += [
                Convolution(size_in, size_out, 3, padding=1),
                nn.LeakyReLU(0.1, inplace=True),
                Convolution(size_out, size_out, 4, stride=2, padding=1),
                nn.LeakyReLU(0.1, inplace=True),
            ]
        modules += [
            Convolution(sizes[-1], last, 3, padding=1),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Flatten(),
        ]
        super().__init__(
            body=nn.Sequential(*modules),  # [N, C, H, W] -> [N, last*base*base]
            head=projection_or_linear(last * base**2, n_classes),
            n_classes=n_classes,
        )
        layers.init_normal(self)
