"""The networks of ALI on CIFAR-10 (Dumoulin et al. 2017, table 4, and the authors' code).

Convolutions without padding take 32x32 pixels to one and back; images of other sizes do not fit.
`width` is that of the first convolution, doubled up to sixteen times that. The authors end G with a
sigmoid, and begin its last bias, one for each number of an image, at the log odds of the training
images; here it ends with tanh and that bias is one for each channel and begins at zero.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from gan_cli.networks import roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.networks.dropout import UniformDropout
from gan_cli.networks.heads import LinearHead
from gan_cli.ranges import Count, Probability

SIZE, LEAK, STD = 32, 0.1, 0.01
"""Of images in pixels; slope of LeakyReLU; of initial weights."""
KERNELS = ((5, 1), (4, 2), (4, 1), (4, 2), (4, 1))
"""Width and stride of the convolutions from 32 pixels to one."""
MOMENTUM = 0.05
"""Of a batch in BatchNorm's statistics."""


class Encoder(roles.Encoder):
    """An image to mean and log variance of its z.

    Args:
        latent_dim: length of z; 64 in the paper.
        image_size: H = W of the images, 32.
        channels: C of the images.
        width: channels of the first convolution.

    Raises:
        ValueError: another `image_size`.
    """

    def __init__(
        self, latent_dim: Count, image_size: Count, channels: Count, width: Count = 32
    ) -> None:
        _refuse_other(image_size)
        sizes = [channels, *_widths(width)]
        modules: list[nn.Module] = []
        for (size_in, size_out), (kernel, stride) in zip(pairwise(sizes), KERNELS, strict=True):
            modules += _normalised(Convolution(size_in, size_out, kernel, stride, bias=False))
        modules += _normalised(nn.Conv2d(sizes[-1], sizes[-1], 1, bias=False))
        body = nn.Sequential(*modules, nn.Flatten())  # [N, F, 1, 1] -> [N, F]
        super().__init__(body, nn.Linear(sizes[-1], 2 * latent_dim), latent_dim, gaussian=True)
        _init(self)


class Generator(roles.Generator):
    """z to an image.

    Args:
        latent_dim: length of z; 64 in the paper.
        image_size: H = W of the images, 32.
        channels: C of the images.
        width: channels next to the image.

    Raises:
        ValueError: another `image_size`.
    """

    n_classes = 0

    def __init__(
        self, latent_dim: Count, image_size: Count, channels: Count, width: Count = 32
    ) -> None:
        super().__init__()
        _refuse_other(image_size)
        self.latent_dim = latent_dim
        sizes = [latent_dim, *_widths(width)[:-1][::-1], width]
        modules: list[nn.Module] = [nn.Unflatten(1, (latent_dim, 1, 1))]  # [N, K] -> [N, K, 1, 1]
        for (size_in, size_out), (kernel, stride) in zip(
            pairwise(sizes), KERNELS[::-1], strict=True
        ):
            modules += _normalised(
                TransposedConvolution(size_in, size_out, kernel, stride, bias=False)
            )
        modules += _normalised(nn.Conv2d(width, width, 1, bias=False))
        self.body = nn.Sequential(*modules, nn.Conv2d(width, channels, 1), nn.Tanh())
        _init(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, 32, 32] of z [N, latent_dim]; labels change nothing."""
        return self.body(z)


class Discriminator(roles.Discriminator):
    """Judges an image and its z by maxout layers (Goodfellow et al. 2013), with dropout.

    Image and z each have layers of their own, then two in common, whose output is the features.

    Args:
        latent_dim: length of z.
        image_size: H = W of the images, 32.
        channels: C of the images.
        width: channels of the first convolution.
        input_dropout: share of image and z that is dropped.
        dropout: share dropped before each further layer.

    Raises:
        ValueError: another `image_size`.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        width: Count = 32,
        input_dropout: Probability = 0.2,
        dropout: Probability = 0.5,
    ) -> None:
        _refuse_other(image_size)
        hidden = 16 * width
        sizes = [channels, *_widths(width)]
        of_x: list[nn.Module] = []
        for (size_in, size_out), (kernel, stride) in zip(pairwise(sizes), KERNELS, strict=True):
            first = not of_x
            conv = Convolution(size_in, 2 * size_out, kernel, stride, bias=first)
            of_x += [UniformDropout(input_dropout if first else dropout), conv, Maxout()]
        of_z = [
            *(
                UniformDropout(input_dropout),
                nn.Linear(latent_dim, 2 * hidden, bias=False),
                Maxout(),
            ),
            *(UniformDropout(dropout), nn.Linear(hidden, 2 * hidden, bias=False), Maxout()),
        ]
        joint = [
            *(UniformDropout(dropout), nn.Linear(2 * hidden, 4 * hidden), Maxout()),
            *(UniformDropout(dropout), nn.Linear(2 * hidden, 4 * hidden), Maxout()),
            UniformDropout(dropout),
        ]
        super().__init__(
            label_stem=SideBySide(nn.Sequential(*of_x, nn.Flatten()), nn.Sequential(*of_z)),
            body=nn.Sequential(*joint),
            head=LinearHead(2 * hidden),
            n_classes=0,
        )
        _init(self)


class SideBySide(nn.Module):
    """What one network sees in an image beside what another sees in z.

    Args:
        of_x: images to [N, F].
        of_z: z to [N, K].
    """

    def __init__(self, of_x: nn.Module, of_z: nn.Module) -> None:
        super().__init__()
        self.of_x, self.of_z = of_x, of_z

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """[N, C, H, W] and [N, latent_dim] -> [N, F + K]."""
        return torch.cat([self.of_x(x), self.of_z(z)], dim=1)


class Maxout(nn.Module):
    """The larger of two channels each."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, 2 K, ...] -> [N, K, ...]."""
        return x.unflatten(1, (2, -1)).amax(1)


def _refuse_other(image_size: int) -> None:
    if image_size != SIZE:
        raise ValueError(f"image_size={image_size}: these networks are of {SIZE} pixels; take that")


def _widths(width: int) -> list[int]:
    """Channels behind each of `KERNELS`: 32, 64, 128, 256, 512."""
    return [width * 2**i for i in range(len(KERNELS))]


def _normalised(layer: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [
        layer,
        nn.BatchNorm2d(layer.out_channels, momentum=MOMENTUM),
        nn.LeakyReLU(LEAK, inplace=True),
    ]


def _init(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(layer.weight, std=STD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
