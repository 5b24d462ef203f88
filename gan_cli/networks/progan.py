"""Networks that grow (Karras et al. 2018, "Progressive growing of GANs", table 2).

All levels are there from the start, and those that have not come into play are passed over. Images
are of their full size at every level: a smaller one has its pixels repeated, which D's pooling
takes back. So do the authors, and so whatever looks at images finds one size.

`width` is the number of channels at the full size and doubles inwards until `max_width`: 16 and 512
at 1024 pixels, 32 and 512 for the paper's comparison at 128, 128 and 128 for CIFAR-10.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_cli.networks import layers, roles
from gan_cli.networks.equalised import HE_GAIN, EqualisedConv2d, EqualisedLinear, PixelNorm
from gan_cli.networks.heads import LinearHead
from gan_cli.networks.labels import required
from gan_cli.networks.minibatch import GroupStddev
from gan_cli.ranges import Count, Natural


class Growing(nn.Module):
    """Part of a network of which only the first levels are in use.

    Attributes:
        depth: how many levels there are besides the first.
        growth: 0 where only the first is in use, 1.25 where two are, and the third is faded in to a
            quarter. It is state, and yet a plain number: what it decides is decided on the host.
    """

    depth: int
    growth: float = 0.0

    def grow_to(self, growth: float) -> None:
        """Use as many levels as `growth` says, in [0, depth]."""
        self.growth = growth

    def get_extra_state(self) -> float:
        """`growth`, for a checkpoint."""
        return self.growth

    def set_extra_state(self, state: float | Tensor) -> None:
        """Take `growth` back.

        Raises:
            ValueError: no network of this depth has grown so far.
        """
        growth = float(state)
        if not 0.0 <= growth <= self.depth:
            raise ValueError(f"a network of {self.depth + 1} levels grown to {growth}")
        self.growth = growth


class Generator(roles.Generator, Growing):
    """z on the unit sphere, a map of 4 to 7 pixels, and blocks that double it.

    Images are linear in the last map; outside training they are clamped to [-1, 1]. Labels join z
    as zeros and a one.

    Args:
        latent_dim: length of z.
        image_size: H = W of the images when it is grown.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels at the full size, doubled with every halving of it.
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
        width: Count = 128,
        max_width: Count = 512,
    ) -> None:
        super().__init__()
        self.latent_dim, self.n_classes = latent_dim, n_classes
        base, self.depth = layers.doublings(image_size)
        sizes = layers.widths(width, self.depth + 1, max_width)[::-1]
        self.norm = PixelNorm()
        self.blocks = nn.ModuleList([_FirstMap(latent_dim + n_classes, sizes[0], base)])
        self.blocks.extend(_doubling(a, b) for a, b in pairwise(sizes))
        self.to_image = nn.ModuleList(EqualisedConv2d(k, channels, 1, gain=1.0) for k in sizes)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        x = before = self.norm(z)
        if self.n_classes:
            kinds = torch.arange(self.n_classes, device=z.device)
            x = torch.cat([x, (required(y, self.n_classes)[:, None] == kinds).to(x)], dim=1)
        top, part = levels(self.growth)
        for block in [*self.blocks][: top + 1]:
            before, x = x, block(x)
        image = self.to_image[top](x)
        if part:  # the last level is being faded in
            coarse = self.to_image[top - 1](before)
            image = torch.lerp(repeated(coarse, 2), image, part)
        image = repeated(image, 2 ** (self.depth - top))
        return image if self.training else image.clamp(-1.0, 1.0)


class Discriminator(roles.Discriminator):
    """G's mirror: blocks that halve the image, and how its batch varies as one more channel.

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        width: channels at the full size, doubled with every halving of it.
        max_width: where that doubling ends.
        group_size: images among which the spread is measured, see `GroupStddev`; 0: it is not.

    Raises:
        ValueError: `image_size` cannot be halved down to 4 to 7 pixels, or `max_width` is below
            `width`.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        width: Count = 128,
        max_width: Count = 512,
        group_size: Natural = 4,
    ) -> None:
        body = _Trunk(image_size, channels, width, max_width, group_size)
        super().__init__(body, LinearHead(body.feature_dim, equalised=True), n_classes=0)


class _Trunk(Growing):
    """Images [N, C, H, W] -> [N, feature_dim]."""

    def __init__(
        self, image_size: int, channels: int, width: int, max_width: int, group_size: int
    ) -> None:
        super().__init__()
        base, self.depth = layers.doublings(image_size)
        sizes = layers.widths(width, self.depth + 1, max_width)[::-1]
        self.feature_dim = sizes[0]
        self.from_image = nn.ModuleList(
            nn.Sequential(EqualisedConv2d(channels, k, 1), nn.LeakyReLU(0.2, inplace=True))
            for k in sizes
        )
        self.blocks = nn.ModuleList(_halving(b, a) for a, b in pairwise(sizes))
        self.last = nn.Sequential(
            GroupStddev(group_size) if group_size else nn.Identity(),
            EqualisedConv2d(sizes[0] + bool(group_size), sizes[0], 3),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Flatten(),  # [N, K, base, base] -> [N, K*base^2]
            EqualisedLinear(sizes[0] * base**2, sizes[0]),
            nn.LeakyReLU(0.2, inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        top, part = levels(self.growth)
        image = pooled(x, 2 ** (self.depth - top))
        x = self.from_image[top](image)
        for level in range(top, 0, -1):
            x = self.blocks[level - 1](x)
            if part and level == top:  # it is being faded in
                x = torch.lerp(self.from_image[top - 1](pooled(image, 2)), x, part)
        return self.last(x)


class _FirstMap(nn.Module):
    """[N, F] -> [N, K, base, base]."""

    def __init__(self, in_features: int, channels: int, base: int) -> None:
        super().__init__()
        self.shape = (channels, base, base)
        gain = HE_GAIN / base  # as a convolution over zeros around z
        self.linear = EqualisedLinear(in_features, math.prod(self.shape), bias=False, gain=gain)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.rest = nn.Sequential(
            nn.LeakyReLU(0.2, inplace=True), PixelNorm(), *_conv_norm(channels, channels)
        )

    def forward(self, z: Tensor) -> Tensor:
        x = self.linear(z).unflatten(1, self.shape)  # [N, K*base^2] -> [N, K, base, base]
        return self.rest(x + self.bias[:, None, None])


def _conv_norm(in_channels: int, channels: int) -> list[nn.Module]:
    return [EqualisedConv2d(in_channels, channels, 3), nn.LeakyReLU(0.2, inplace=True), PixelNorm()]


def _doubling(in_channels: int, channels: int) -> nn.Sequential:
    """[N, in_channels, H, W] -> [N, channels, 2 H, 2 W]."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        *_conv_norm(in_channels, channels),
        *_conv_norm(channels, channels),
    )


def _halving(in_channels: int, channels: int) -> nn.Sequential:
    """[N, in_channels, H, W] -> [N, channels, H/2, W/2]."""
    return nn.Sequential(
        EqualisedConv2d(in_channels, in_channels, 3),
        nn.LeakyReLU(0.2, inplace=True),
        EqualisedConv2d(in_channels, channels, 3),
        nn.LeakyReLU(0.2, inplace=True),
        nn.AvgPool2d(2),
    )


def levels(growth: float) -> tuple[int, float]:
    """The highest level in use, and the part to which it is faded in; 0.0 where it is whole."""
    return math.ceil(growth), growth % 1.0


def repeated(x: Tensor, times: int) -> Tensor:
    """Each pixel of [N, C, H, W] `times` side by side and below each other."""
    return F.interpolate(x, scale_factor=times) if times > 1 else x


def pooled(x: Tensor, size: int) -> Tensor:
    """The mean over squares of `size` pixels."""
    return F.avg_pool2d(x, size) if size > 1 else x


def as_grown(x: Tensor, growth: float, depth: int) -> Tensor:
    """Real images [N, C, H, W] as networks grown so far should see them, of the same size.

    While a level is faded in, so is what it adds to them.
    """
    top, part = levels(growth)
    size = 2 ** (depth - top)
    x = pooled(x, size)
    if part:
        x = torch.lerp(repeated(pooled(x, 2), 2), x, part)
    return repeated(x, size)
