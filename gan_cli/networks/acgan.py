"""The networks of AC-GAN on CIFAR-10 (Odena et al. 2017, appendix A, table 2).

G is three transposed convolutions, D six convolutions, of which every other one has stride 2. D's
second head, which tells the class, is the trick `auxiliary_classifier`.
"""

from itertools import pairwise

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.networks.dropout import UniformDropout
from gan_cli.networks.heads import projection_or_linear
from gan_cli.networks.labels import AppendLabel
from gan_cli.ranges import Count, Natural, Probability

HALVINGS = 3


class Generator(roles.Generator):
    """z and a label to an image: a dense layer, 5x5 transposed convolutions with BatchNorm.

    Args:
        latent_dim: length of z; 100 in the paper, which calls 110 what z and label are together.
        image_size: H = W of the images, divisible by 8.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels next to the image; two and four times as many before. 96 in the paper.

    Raises:
        ValueError: `image_size` is not divisible by 8.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 96,
    ) -> None:
        super().__init__()
        self.latent_dim, self.n_classes = latent_dim, n_classes
        base, sizes = layers.divided(image_size, 2**HALVINGS), [4 * width, 2 * width, width]
        modules: list[nn.Module] = [
            nn.Linear(latent_dim + n_classes, sizes[0] * base**2),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, (sizes[0], base, base)),  # [N, K*h*w] -> [N, K, h, w]
        ]
        for size_in, size_out in pairwise(sizes):
            modules += [_double(size_in, size_out), nn.BatchNorm2d(size_out), nn.ReLU(inplace=True)]
        self.label_stem = AppendLabel(n_classes)
        self.body = nn.Sequential(*modules, _double(width, channels), nn.Tanh())
        layers.init_normal(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        return self.body(self.label_stem(z, y))


class Discriminator(roles.Discriminator):
    """3x3 convolutions, LeakyReLU and dropout; BatchNorm behind all but the first.

    Args:
        image_size: H = W of the images, divisible by 8.
        channels: C of the images.
        n_classes: how many labels there are, which meet the features in a projection; 0 where it
            is told none, as in the paper.
        width: channels behind the first convolution, doubled with every further one; 16 in the
            paper.
        dropout: share of every layer that is dropped in training.
        normalization: under a gradient penalty not batch.

    Raises:
        ValueError: `image_size` is not divisible by 8.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 16,
        dropout: Probability = 0.5,
        normalization: layers.Normalization = "batch",
    ) -> None:
        base = layers.divided(image_size, 2**HALVINGS)
        sizes = [channels, *(width * 2**i for i in range(2 * HALVINGS))]
        modules: list[nn.Module] = []
        for i, (size_in, size_out) in enumerate(pairwise(sizes)):
            modules += [
                Convolution(size_in, size_out, 3, stride=2 - i % 2, padding=1),
                layers.normalization(normalization if i else "none", size_out),
                nn.LeakyReLU(0.2, inplace=True),
                UniformDropout(dropout),
            ]
        super().__init__(
            body=nn.Sequential(*modules, nn.Flatten()),  # [N, F, h, w] -> [N, F*h*w]
            head=projection_or_linear(sizes[-1] * base**2, n_classes),
            n_classes=n_classes,
        )
        layers.init_normal(self)


def _double(size_in: int, size_out: int) -> nn.ConvTranspose2d:
    return TransposedConvolution(size_in, size_out, 5, stride=2, padding=2, output_padding=1)
