"""The networks of R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN!", section 4).

G and D mirror each other: grouped convolutions in residual blocks, no normalisation, and an
initialisation under which they start near the identity. `width` is the number of channels next to
the image, doubled inwards until `max_width`:

| images   | source    | width, max_width | blocks | z; class embedding |
|----------|-----------|------------------|--------|--------------------|
| 32x32    | CIFAR-10  | 768, 768         | 2      | 64; 64             |
| 64x64    | FFHQ      | 384, 768         | 2      | 64; none           |
"""

import math
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.heads import LinearHead, MatchingHead
from gan_cli.networks.labels import required
from gan_cli.networks.resampling import SmoothDown, SmoothUp
from gan_cli.ranges import Count, LayerCount, Natural

L = TypeVar("L", nn.Conv2d, nn.Linear)
SLOPE = 0.2
"""Of LeakyReLU."""


class Generator(roles.Generator):
    """A learned map times a dense layer of z, stages of residual blocks that double it, an image.

    Nothing bounds the image: what lies outside [-1, 1] is cut off when it is shown.

    Args:
        latent_dim: length of z; 64 in the paper's code.
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        embedding_dim: numbers that stand for a label, beside z.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling ends.
        blocks: residual blocks at each size.
        group_size: channels of a group of the 3x3 convolutions.

    Raises:
        ValueError: no first map leads to `image_size`, `max_width` is below `width`, or the groups
            do not come out even.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        embedding_dim: Count = 64,
        width: Count = 768,
        max_width: Count = 768,
        blocks: LayerCount = 2,
        group_size: Count = 16,
    ) -> None:
        super().__init__()
        self.latent_dim, self.n_classes = latent_dim, n_classes
        base, count = layers.doublings(image_size)
        sizes = layers.widths(width, count + 1, max_width)[::-1]
        if n_classes:
            self.embedding = _embedding(n_classes, embedding_dim)
        told = embedding_dim if n_classes else 0
        self.stem = _scaled(nn.Linear(latent_dim + told, sizes[0], bias=False))
        self.map = nn.Parameter(nn.init.normal_(torch.empty(sizes[0], base, base)))
        total = blocks * len(sizes)
        stages: list[nn.Module] = _blocks(sizes[0], blocks, group_size, total)
        for size_in, size_out in pairwise(sizes):
            # narrowed before it is doubled: the two commute, and so a quarter of the work is left
            stages += [*_changed_width(size_in, size_out), SmoothUp(size_out)]
            stages += _blocks(size_out, blocks, group_size, total)
        self.body = nn.Sequential(*stages, _scaled(nn.Conv2d(width, channels, 1, bias=False)))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        if self.n_classes:
            z = torch.cat([z, self.embedding(required(y, self.n_classes))], dim=1)
        x = self.stem(z)[:, :, None, None] * self.map  # [N, K] -> [N, K, base, base]
        return self.body(x.contiguous(memory_format=torch.channels_last))


class Discriminator(roles.Discriminator):
    """Stages of residual blocks, halving in between, and one depthwise convolution over the rest.

    A label is told by how well its embedding matches a dense layer of the features.

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        embedding_dim: numbers that stand for a label; null for as many as there are features.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling ends.
        blocks: residual blocks at each size.
        group_size: channels of a group of the 3x3 convolutions.

    Raises:
        ValueError: halving `image_size` does not end at 4 to 7 pixels, `max_width` is below
            `width`, or the groups do not come out even.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        embedding_dim: Count | None = None,
        width: Count = 768,
        max_width: Count = 768,
        blocks: LayerCount = 2,
        group_size: Count = 16,
    ) -> None:
        base, count = layers.doublings(image_size)
        sizes = layers.widths(width, count + 1, max_width)
        total, last = blocks * len(sizes), sizes[-1]
        stages: list[nn.Module] = [_scaled(nn.Conv2d(channels, width, 1, bias=False))]
        stages += _blocks(width, blocks, group_size, total)
        for i, (size_in, size_out) in enumerate(pairwise(sizes)):
            stages += [SmoothDown(image_size // 2**i), *_changed_width(size_in, size_out)]
            stages += _blocks(size_out, blocks, group_size, total)
        linear = LinearHead(last, bias=False)
        _scaled(linear.linear)
        super().__init__(
            body=nn.Sequential(*stages, DepthwiseSum(last, base)),  # [N, C, H, W] -> [N, F]
            head=MatchingHead(last, n_classes, embedding_dim or last) if n_classes else linear,
            n_classes=n_classes,
        )


class GroupedBlock(nn.Module):
    """x + 1x1 to twice as wide, 3x3 in groups, 1x1 back, biased LeakyReLUs in between.

    The first two convolutions begin as L^(-1/4) times He's initialisation, with L blocks in all,
    the third at 0 (Fixup, Zhang et al. 2019: L^(-1 / (2m - 2)) for m = 3 layers).

    Args:
        width: channels.
        group_size: of a group of the 3x3 convolution.
        total: L, residual blocks of the network.

    Raises:
        ValueError: the groups do not come out even.
    """

    def __init__(self, width: int, group_size: int, total: int) -> None:
        super().__init__()
        hidden = 2 * width
        if hidden % group_size:
            raise ValueError(
                f"group_size={group_size} does not divide {hidden}, twice a width of {width}; "
                f"take a divisor, or a width that is a multiple of {math.ceil(group_size / 2)}"
            )
        gain = math.sqrt(2.0 / (1.0 + SLOPE**2)) * total**-0.25
        groups = hidden // group_size
        self.residual = nn.Sequential(
            _scaled(nn.Conv2d(width, hidden, 1), gain),
            nn.LeakyReLU(SLOPE, inplace=True),
            _scaled(nn.Conv2d(hidden, hidden, 3, padding=1, groups=groups), gain),
            nn.LeakyReLU(SLOPE, inplace=True),
            _scaled(nn.Conv2d(hidden, width, 1, bias=False), 0.0),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, width, H, W] -> the same."""
        return x + self.residual(x)


class DepthwiseSum(nn.Module):
    """A learned map for every channel, multiplied and summed: a depthwise convolution of it all.

    Args:
        channels: C of the images.
        size: H = W of the images.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.map = nn.Parameter(torch.empty(channels, size, size))
        nn.init.normal_(self.map, 0.0, 1.0 / size)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C]."""
        return (x * self.map).sum((2, 3))


def _blocks(width: int, count: int, group_size: int, total: int) -> list[nn.Module]:
    return [GroupedBlock(width, group_size, total) for _ in range(count)]


def _changed_width(size_in: int, size_out: int) -> list[nn.Module]:
    """A 1x1 convolution where the number of channels changes."""
    if size_in == size_out:
        return []
    return [_scaled(nn.Conv2d(size_in, size_out, 1, bias=False))]


def _embedding(n_classes: int, dim: int) -> nn.Embedding:
    embedding = nn.Embedding(n_classes, dim)
    nn.init.normal_(embedding.weight, 0.0, n_classes**-0.5)  # a dense layer of a one-hot label
    return embedding


def _scaled(layer: L, gain: float = 1.0) -> L:
    """Weights from N(0, gain^2 / fan_in), biases of 0."""
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
