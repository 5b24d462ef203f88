"""Residual networks of WGAN-GP (Gulrajani et al. 2017) and SNGAN (Miyato et al. 2018, appendix B).

`width` is the number of channels next to the image; it doubles inwards until `max_width`:

| images  | source            | G: width, max_width | D: the same, downsamplings, flat_blocks |
|---------|-------------------|---------------------|-----------------------------------------|
| 32x32   | WGAN-GP, CIFAR-10 | 128, 128            | 128, 128, 2, 2, mean pooling            |
| 32x32   | SNGAN, CIFAR-10   | 256, 256            | 128, 128, 2, 2                          |
| 48x48   | SNGAN, STL-10     | 64, 512             | 64, 1024, 4, 1                          |
| 64x64   | SNGAN projection  | 64, 1024            | 64, 1024, 5, 0                          |
| 128x128 | SNGAN, ImageNet   | 64, 1024            | 64, 1024, 5, 1                          |

Both papers draw weights alike: Glorot's uniform, sqrt(2) wider inside the residual branches.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution
from gan_cli.networks.heads import projection_or_linear
from gan_cli.ranges import Count, LayerCount, Natural, OptionalLayerCount


class Generator(roles.Generator):
    """A map of 4 to 7 pixels, residual blocks that double it, an image in [-1, 1].

    BatchNorm in the blocks; with labels it is class-conditional.

    Args:
        latent_dim: length of z; 128 in the papers.
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling ends; equal to `width` for a constant width.

    Raises:
        ValueError: no first map leads to `image_size`, or `max_width` is below `width`.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 256,
        max_width: Count = 256,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.n_classes = n_classes
        base, count = layers.doublings(image_size)
        sizes = layers.widths(width, count + 1, max_width)[::-1]
        self.shape = (sizes[0], base, base)
        self.stem = nn.Linear(latent_dim, math.prod(self.shape))
        _init_glorot(self.stem)
        norm = partial(layers.ConditionalBatchNorm2d, n_classes=n_classes)
        self.blocks = nn.ModuleList(UpBlock(a, b, norm) for a, b in pairwise(sizes))
        self.out = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(inplace=True), _conv(width, channels, 3), nn.Tanh()
        )

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        x = self.stem(z).unflatten(1, self.shape)  # [N, K*base*base] -> [N, K, base, base]
        for block in self.blocks:
            x = block(x, y)
        return self.out(x)


class Discriminator(roles.Discriminator):
    """Residual blocks, the first ones halving the image, pooled over all pixels.

    Labels meet the pooled features in a projection (Miyato & Koyama 2018).

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels of the first block, doubled with every further one.
        max_width: where that doubling ends; equal to `width` for a constant width.
        downsamplings: how many blocks halve the image; null leaves 8 pixels or fewer.
        flat_blocks: how many blocks follow that do not.
        pooling: sum (SNGAN) or mean (WGAN-GP) over the last map's pixels.
        normalization: before the convolutions of all blocks but the first; batch does not go with
            a gradient penalty.

    Raises:
        ValueError: `image_size` cannot be halved so often, or `max_width` is below `width`.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 128,
        max_width: Count = 128,
        downsamplings: LayerCount | None = None,
        flat_blocks: OptionalLayerCount = 2,
        pooling: Literal["sum", "mean"] = "sum",
        normalization: layers.Normalization = "none",
    ) -> None:
        if downsamplings is None:
            base, count = layers.doublings(image_size)
            downsamplings = count - 1 if base == 4 and count > 1 else count
        elif image_size % 2**downsamplings:
            raise ValueError(
                f"downsamplings={downsamplings}: image_size={image_size} cannot be halved so "
                "often; lower it"
            )
        sizes = layers.widths(width, downsamplings + flat_blocks, max_width)
        blocks = [DownBlock(channels, width, "none", halve=True, first=True)]
        for i, (size_in, size_out) in enumerate(pairwise(sizes), start=1):
            blocks.append(DownBlock(size_in, size_out, normalization, halve=i < downsamplings))
        head = projection_or_linear(sizes[-1], n_classes)
        _init_glorot(head.linear)
        body = nn.Sequential(*blocks, nn.ReLU(inplace=True), PixelPool(pooling))
        super().__init__(body=body, head=head, n_classes=n_classes)


class UpBlock(nn.Module):
    """Doubles an image: norm, ReLU, up, conv, norm, ReLU, conv, beside a learned shortcut.

    Args:
        size_in: channels of its input.
        size_out: channels of its output, and between its convolutions.
        norm: makes a normalisation of so many channels, which is told `y` besides.
    """

    def __init__(self, size_in: int, size_out: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.size_out = size_out
        self.norm1 = norm(size_in)
        self.conv1 = _conv(size_in, size_out, 3, gain=math.sqrt(2))
        self.norm2 = norm(size_out)
        self.conv2 = _conv(size_out, size_out, 3, gain=math.sqrt(2))
        self.shortcut = _conv(size_in, size_out, 1)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, size_in, H, W] -> [N, size_out, 2H, 2W], with labels [N] or what else tells them."""
        h = self.conv1(_up(F.relu(self.norm1(x, y), inplace=True)))
        h = self.conv2(F.relu(self.norm2(h, y), inplace=True))
        # A 1x1 convolution and nearest-neighbour upsampling commute; this order costs a quarter.
        return h + _up(self.shortcut(x))


class DownBlock(nn.Module):
    """Norm, ReLU, conv, norm, ReLU, conv, mean-pool, beside a shortcut.

    Args:
        size_in: channels of its input, and between its convolutions (but in the first block).
        size_out: channels of its output.
        normalization: before both activations.
        halve: whether the image is halved.
        first: sees the image itself, which is neither normalised nor cut off by a ReLU.
    """

    def __init__(
        self,
        size_in: int,
        size_out: int,
        normalization: layers.Normalization,
        halve: bool,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.size_out, self.halve = size_out, halve
        hidden = size_out if first else size_in
        pool = [nn.AvgPool2d(2)] if halve else []
        fresh = normalization != "none"  # or the shortcut reads what ReLU would overwrite
        norm = layers.normalization(normalization, size_in)
        opening = [] if first else [norm, nn.ReLU(inplace=fresh)]
        self.residual = nn.Sequential(
            *opening,
            _conv(size_in, hidden, 3, gain=math.sqrt(2)),
            layers.normalization(normalization, hidden),
            nn.ReLU(inplace=True),
            _conv(hidden, size_out, 3, gain=math.sqrt(2)),
            *pool,
        )
        # The papers pool behind this convolution but for the first block; the two commute.
        learned = [_conv(size_in, size_out, 1)] if halve or size_in != size_out else []
        self.shortcut = nn.Sequential(*pool, *learned)

    def forward(self, x: Tensor) -> Tensor:
        """[N, size_in, H, W] -> [N, size_out, H, W], or half of H and W."""
        return self.residual(x) + self.shortcut(x)


class PixelPool(nn.Module):
    """Sum or mean over all pixels.

    Args:
        how: sum or mean.
    """

    def __init__(self, how: Literal["sum", "mean"]) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C]."""
        return x.sum((2, 3)) if self.how == "sum" else x.mean((2, 3))


def _up(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _conv(size_in: int, size_out: int, kernel: int, gain: float = 1.0) -> nn.Conv2d:
    conv = Convolution(size_in, size_out, kernel, padding=kernel // 2)
    _init_glorot(conv, gain)
    return conv


def _init_glorot(layer: nn.Linear | nn.Conv2d, gain: float = 1.0) -> None:
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
