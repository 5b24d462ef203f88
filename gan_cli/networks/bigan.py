"""The networks of BiGAN on MNIST whose pixels are in any order (Donahue et al. 2017, section 4.1).

Three multilayer perceptrons as in the authors' code: two hidden layers of `width` units each, the
second normalised; no layer has a bias and BatchNorm neither gain nor bias. The authors end G with a
sigmoid; here images are in [-1, 1] and it ends with tanh.
"""

import math

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.heads import LinearHead
from gan_cli.ranges import Count


class Generator(roles.Generator):
    """z to an image, with ReLU.

    Args:
        latent_dim: length of z; 50 in the paper.
        image_size: H = W of the images.
        channels: C of the images.
        width: units of each hidden layer.
    """

    n_classes = 0

    def __init__(
        self, latent_dim: Count, image_size: Count, channels: Count, width: Count = 1024
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        shape = (channels, image_size, image_size)
        self.body = nn.Sequential(
            nn.Linear(latent_dim, width, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(width, width, bias=False),
            nn.BatchNorm1d(width, affine=False),
            nn.ReLU(inplace=True),
            nn.Linear(width, math.prod(shape), bias=False),
            nn.Tanh(),
            nn.Unflatten(1, shape),  # [N, C*H*W] -> [N, C, H, W]
        )
        layers.init_normal(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim]; labels change nothing."""
        return self.body(z)


class Encoder(roles.Encoder):
    """An image to its z, with LeakyReLU; its features are its last hidden layer.

    Args:
        latent_dim: length of z.
        image_size: H = W of the images.
        channels: C of the images.
        width: units of each hidden layer.
    """

    def __init__(
        self, latent_dim: Count, image_size: Count, channels: Count, width: Count = 1024
    ) -> None:
        body = nn.Sequential(
            nn.Flatten(),  # [N, C, H, W] -> [N, C*H*W]
            nn.Linear(channels * image_size**2, width, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(width, width, bias=False),
            nn.BatchNorm1d(width, affine=False),
            nn.LeakyReLU(0.2, inplace=True),
        )
        super().__init__(body, nn.Linear(width, latent_dim, bias=False), latent_dim)
        layers.init_normal(self)


class Discriminator(roles.Discriminator):
    """Judges an image and its z, which joins the second hidden layer; with LeakyReLU.

    Args:
        latent_dim: length of z.
        image_size: H = W of the images.
        channels: C of the images.
        width: units of each hidden layer.
        normalization: of the second; under a gradient penalty not batch.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        width: Count = 1024,
        normalization: layers.FeatureNormalization = "batch",
    ) -> None:
        super().__init__(
            label_stem=Join(channels * image_size**2, latent_dim, width),
            body=nn.Sequential(
                layers.feature_normalization(normalization, width, affine=False),
                nn.LeakyReLU(0.2, inplace=True),
            ),
            head=LinearHead(width, bias=False),
            n_classes=0,
        )
        layers.init_normal(self)


class Join(nn.Module):
    """The first hidden layer of an image, and what the second makes of it and of z.

    Args:
        pixels: numbers of an image.
        latent_dim: length of z.
        width: units of each hidden layer.
    """

    def __init__(self, pixels: int, latent_dim: int, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(pixels, width, bias=False)
        self.second = nn.Linear(width, width, bias=False)
        self.of_z = nn.Linear(latent_dim, width, bias=False)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Images [N, C, H, W] and z [N, latent_dim] -> [N, width]."""
        hidden = nn.functional.leaky_relu(self.first(x.flatten(1)), 0.2)
        return self.second(hidden) + self.of_z(z)
