"""The networks of VAE/GAN (Larsen et al. 2016, table 1, and the authors' code).

5x5 convolutions, BatchNorm and ReLU between 64 or 32 pixels and three halvings less. `width` scales
all of them: 64 is the published size.
"""

from itertools import pairwise

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.networks.heads import LinearHead
from gan_cli.ranges import Count

HALVINGS = 3


class Encoder(roles.Encoder):
    """An image to mean and log variance of its z.

    Args:
        latent_dim: length of z; 128 in the paper.
        image_size: H = W of the images, divisible by 8.
        channels: C of the images.
        width: channels of the first convolution, doubled with the next two; 16 times as many
            features.

    Raises:
        ValueError: `image_size` is not divisible by 8.
    """

    def __init__(
        self, latent_dim: Count, image_size: Count, channels: Count, width: Count = 64
    ) -> None:
        base, hidden = layers.divided(image_size, 2**HALVINGS), 16 * width
        sizes = [channels, width, 2 * width, 4 * width]
        body = nn.Sequential(
            *(module for pair in pairwise(sizes) for module in _down(*pair)),
            *_dense(sizes[-1] * base**2, hidden),
        )
        super().__init__(body, nn.Linear(hidden, 2 * latent_dim), latent_dim, gaussian=True)


class Generator(roles.Generator):
    """z to an image; the decoder.

    Args:
        latent_dim: length of z; 128 in the paper.
        image_size: H = W of the images, divisible by 8.
        channels: C of the images.
        width: a quarter of the channels of the first map.

    Raises:
        ValueError: `image_size` is not divisible by 8.
    """

    n_classes = 0

    def __init__(
        self, latent_dim: Count, image_size: Count, channels: Count, width: Count = 64
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        base, first = layers.divided(image_size, 2**HALVINGS), 4 * width
        size = first * base**2
        # 256-256-128-32 at 64 pixels, 256-192-128-32 at 32
        sizes = [first, first if base >= 8 else 3 * width, 2 * width, (width + 1) // 2]
        self.body = nn.Sequential(
            *(nn.Linear(latent_dim, size, bias=False), nn.BatchNorm1d(size), nn.ReLU(inplace=True)),
            nn.Unflatten(1, (first, base, base)),  # [N, K*h*w] -> [N, K, h, w]
            *(module for pair in pairwise(sizes) for module in _up(*pair)),
            Convolution(sizes[-1], channels, 5, padding=2),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim]; labels change nothing."""
        return self.body(z)


class Discriminator(roles.Discriminator):
    """Judges images, and says how alike two of them are: by its fourth convolution.

    Args:
        image_size: H = W of the images, divisible by 8.
        channels: C of the images.
        width: a quarter of the channels of that convolution.

    Raises:
        ValueError: `image_size` is not divisible by 8.
    """

    def __init__(self, image_size: Count, channels: Count, width: Count = 64) -> None:
        base, hidden = layers.divided(image_size, 2**HALVINGS), 8 * width
        last = 4 * width
        # 32-128-256-256 at 64 pixels, 32-128-192-256 at 32
        sizes = [(width + 1) // 2, 2 * width, last if base >= 8 else 3 * width, last]
        modules: list[nn.Module] = [
            Convolution(channels, sizes[0], 5, padding=2),
            nn.ReLU(inplace=True),
        ]
        modules += [module for pair in pairwise(sizes) for module in _down(*pair)]
        cut = len(modules) - 2  # the BatchNorm and the ReLU behind the fourth convolution
        early, late = nn.Sequential(*modules[:cut]), nn.Sequential(*modules[cut:])
        super().__init__(
            body=nn.Sequential(early, late, *_dense(last * base**2, hidden)),
            head=LinearHead(hidden),
            n_classes=0,
        )
        self._early = [early]  # in a list: it is a part of the body already

    def likeness(self, x: Tensor) -> Tensor:
        """What images are compared by, float32 [N, K] of images [N, C, H, W]: layer 9 of 15."""
        return self._early[0](x).flatten(1).float()


def _down(size_in: int, size_out: int) -> list[nn.Module]:
    conv = Convolution(size_in, size_out, 5, stride=2, padding=2, bias=False)
    return [conv, nn.BatchNorm2d(size_out), nn.ReLU(inplace=True)]


def _up(size_in: int, size_out: int) -> list[nn.Module]:
    conv = TransposedConvolution(size_in, size_out, 5, 2, padding=2, output_padding=1, bias=False)
    return [conv, nn.BatchNorm2d(size_out), nn.ReLU(inplace=True)]


def _dense(size_in: int, size_out: int) -> list[nn.Module]:
    """[N, K, h, w] -> [N, size_out]."""
    dense = nn.Linear(size_in, size_out, bias=False)
    return [nn.Flatten(), dense, nn.BatchNorm1d(size_out), nn.ReLU(inplace=True)]
