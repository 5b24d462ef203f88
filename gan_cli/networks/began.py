"""The networks of BEGAN (Berthelot et al. 2017, figure 1): G is built as D's decoder is.

3x3 convolutions and ELU, nearest neighbours on the way up, from 8 pixels to the image's size; no
normalisation. The encoder has `width` channels more with every halving. The last layer is linear.
"""

import math
from itertools import pairwise

from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.autoencoder import Autoencoder
from gan_cli.networks.convolution import Convolution
from gan_cli.ranges import Count

BASE = 8
"""Pixels of the smallest map, at the least."""


class Generator(roles.Generator):
    """z to an image.

    Args:
        latent_dim: length of z; 64 in the paper.
        image_size: H = W of the images: 8, doubled a few times.
        channels: C of the images.
        width: channels throughout; the paper's n, 64 or 128.

    Raises:
        ValueError: another `image_size`.
    """

    n_classes = 0

    def __init__(
        self, latent_dim: Count, image_size: Count, channels: Count, width: Count = 128
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.body = _decoder(latent_dim, image_size, channels, width)
        _init(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim]; labels change nothing."""
        return self.body(z)


class Discriminator(Autoencoder):
    """An autoencoder, whose error is the mean absolute one.

    Args:
        image_size: H = W of the images: 8, doubled a few times.
        channels: C of the images.
        width: channels of the decoder, and by which the encoder grows; the paper's n.
        code_dim: length of the code; the paper's N_h, 64 as z.

    Raises:
        ValueError: another `image_size`.
    """

    def __init__(
        self, image_size: Count, channels: Count, width: Count = 128, code_dim: Count = 64
    ) -> None:
        count, base = _halvings(image_size)
        sizes = [width * (i + 1) for i in range(count + 1)]
        modules: list[nn.Module] = [Convolution(channels, width, 3, padding=1), nn.ELU()]
        for size, following in pairwise([*sizes, 0]):
            modules += _two(size)
            if following:
                modules += [Convolution(size, following, 3, stride=2, padding=1), nn.ELU()]
        flat = sizes[-1] * base**2
        encoder = nn.Sequential(*modules, nn.Flatten(), nn.Linear(flat, code_dim))
        decoder = _decoder(code_dim, image_size, channels, width)
        super().__init__(encoder, decoder, code_dim, "absolute")
        _init(self)


def _halvings(image_size: int) -> tuple[int, int]:
    """How often a size is halved down to 8 to 15 pixels, and what is left.

    Raises:
        ValueError: it cannot be halved so often; the message names sizes that can.
    """
    if image_size < BASE:
        raise ValueError(f"image_size={image_size}: should be {BASE} or more")
    count = int(math.log2(image_size / BASE))
    return count, layers.divided(image_size, 2**count)


def _decoder(size_in: int, image_size: int, channels: int, width: int) -> nn.Sequential:
    count, base = _halvings(image_size)
    modules: list[nn.Module] = [
        nn.Linear(size_in, width * base**2),
        nn.Unflatten(1, (width, base, base)),  # [N, K*h*w] -> [N, K, h, w]
        *_two(width),
    ]
    for _ in range(count):
        modules += [nn.Upsample(scale_factor=2), *_two(width)]
    return nn.Sequential(*modules, Convolution(width, channels, 3, padding=1))


def _two(width: int) -> list[nn.Module]:
    return [m for _ in range(2) for m in (Convolution(width, width, 3, padding=1), nn.ELU())]


def _init(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
