"""The networks of InfoGAN on MNIST (Chen et al. 2016, appendix C.1, and the authors' code).

Codes are a part of z: the game that draws them knows which. Q, which guesses them back, is a
`CodeHead` on D's features. The authors end G with a sigmoid; here images are in [-1, 1] and it
ends with tanh.
"""

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.networks.heads import projection_or_linear
from gan_cli.networks.labels import AppendLabel
from gan_cli.ranges import Count, Natural, Probability

HIDDEN = 1024
"""Units of the dense layers in G and D."""


class Generator(roles.Generator):
    """Two dense layers, two transposed convolutions of stride 2; BatchNorm and ReLU between them.

    Args:
        latent_dim: length of z with all codes; 74 in the paper, of which 62 are noise.
        image_size: H = W of the images, divisible by 4.
        channels: C of the images.
        n_classes: how many labels there are, which join z; 0 where unlabelled, as in the paper.
        width: channels of the map in the middle; next to the image half as many.

    Raises:
        ValueError: `image_size` is not divisible by 4.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 128,
    ) -> None:
        super().__init__()
        self.latent_dim, self.n_classes = latent_dim, n_classes
        base = layers.divided(image_size, 4)
        half = (width + 1) // 2
        sizes = (latent_dim + n_classes, HIDDEN, width * base**2)
        self.label_stem = AppendLabel(n_classes)
        self.body = nn.Sequential(
            *(
                nn.Linear(sizes[0], sizes[1], bias=False),
                nn.BatchNorm1d(sizes[1]),
                nn.ReLU(inplace=True),
            ),
            *(
                nn.Linear(sizes[1], sizes[2], bias=False),
                nn.BatchNorm1d(sizes[2]),
                nn.ReLU(inplace=True),
            ),
            nn.Unflatten(1, (width, base, base)),  # [N, K*base*base] -> [N, K, base, base]
            TransposedConvolution(width, half, 4, stride=2, padding=1, bias=False),
            *(nn.BatchNorm2d(half), nn.ReLU(inplace=True)),
            TransposedConvolution(half, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        layers.init_normal(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        return self.body(self.label_stem(z, y))


class Discriminator(roles.Discriminator):
    """Two convolutions of stride 2 and a dense layer, whose 1024 units are the features.

    Args:
        image_size: H = W of the images, divisible by 4.
        channels: C of the images.
        n_classes: how many labels there are, which meet the features in a projection; 0 where
            unlabelled, as in the paper.
        width: channels of the second convolution; the first has half as many.
        negative_slope: of the LeakyReLU; 0.1 in the paper as remembered, 0.01 in the authors' code.
        normalization: after the second convolution and the dense layer; under a gradient penalty
            not batch.

    Raises:
        ValueError: `image_size` is not divisible by 4.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 128,
        negative_slope: Probability = 0.1,
        normalization: layers.FeatureNormalization = "batch",
    ) -> None:
        base, half, bias = layers.divided(image_size, 4), (width + 1) // 2, normalization == "none"
        super().__init__(
            body=nn.Sequential(
                Convolution(channels, half, 4, stride=2, padding=1),
                nn.LeakyReLU(negative_slope, inplace=True),
                Convolution(half, width, 4, stride=2, padding=1, bias=bias),
                layers.normalization(normalization, width),
                nn.LeakyReLU(negative_slope, inplace=True),
                nn.Flatten(),  # [N, K, base, base] -> [N, K*base*base]
                nn.Linear(width * base**2, HIDDEN, bias=bias),
                layers.feature_normalization(normalization, HIDDEN),
                nn.LeakyReLU(negative_slope, inplace=True),
            ),
            head=projection_or_linear(HIDDEN, n_classes),
            n_classes=n_classes,
        )
        layers.init_normal(self)


class CodeHead(nn.Module):
    """Q's own part: guesses the codes an image was made from, by D's features.

    Args:
        feature_dim: F, D's `feature_dim`.
        categories: K, values of the categorical code; 0 where there is none.
        continuous: c, how many continuous codes there are.
        hidden: units of the layer in between.
        negative_slope: as in `Discriminator`.
        normalization: of that layer.
    """

    def __init__(
        self,
        feature_dim: Count,
        categories: Natural,
        continuous: Natural,
        hidden: Count = 128,
        negative_slope: Probability = 0.1,
        normalization: layers.FeatureNormalization = "batch",
    ) -> None:
        super().__init__()
        self.sizes = [categories, continuous]
        self.body = nn.Sequential(
            nn.Linear(feature_dim, hidden, bias=normalization == "none"),
            layers.feature_normalization(normalization, hidden),
            nn.LeakyReLU(negative_slope, inplace=True),
            nn.Linear(hidden, categories + continuous),
        )
        layers.init_normal(self)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [N, F] -> logits [N, K] of the category, means [N, c] of the continuous codes.

        The continuous codes are Gaussian around these means, with a standard deviation of 1.
        """
        category, mean = self.body(features).split(self.sizes, dim=1)
        return category, mean
