"""The networks of StyleGAN2 (Karras et al. 2020a) as StyleGAN2-ADA has them (Karras et al. 2020b).

A map of 4 to 7 pixels is doubled until `image_size`; G adds up images of all sizes ("skip"), D has
no shortcuts ("original", CIFAR-10) or residual ones. `width` is the number of channels next to the
image and doubles inwards up to `max_width`:

| images | config | width, max_width | mapping_depth | architecture of D | stddev_group |
|---|---|---|---|---|---|
| 32x32 | cifar | 512, 512 | 2 | original | 32 |
| 256x256 | paper256 | 64, 512 | 8 | residual | 8 |
| 1024x1024 | stylegan2 | 32, 512 | 8 | residual | 4 |

Activations are not clamped: the authors do that for the range of fp16, which bf16 does not need.
"""

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.equalised import EqualisedConv2d, EqualisedLinear
from gan_cli.networks.minibatch import GroupStddev
from gan_cli.networks.stylegan2_layers import (
    HalvingConv2d,
    Mapping,
    ScaledLeakyReLU,
    SmoothDoubling,
    StyledLayer,
    ToImage,
)
from gan_cli.ranges import Count, LayerCount, Natural, OptionalLayerCount, Probability

WEIGHT_OF_PAST = 0.995
"""Of the mean style, in each turn."""


class Generator(roles.StyleGenerator):
    """z to a style w, w to an image: a learned constant, doubled by modulated convolutions.

    Args:
        latent_dim: length of z.
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        style_dim: length of w.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling ends.
        mapping_depth: layers from z to w.
        mixing: part of the images of training that have two styles, the second from a random layer
            on (Karras et al. 2019, section 3.1).

    Raises:
        ValueError: no first map leads to `image_size`, or `max_width` is below `width`.
    """

    style_mean: Tensor

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        style_dim: Count = 512,
        width: Count = 64,
        max_width: Count = 512,
        mapping_depth: LayerCount = 8,
        mixing: Probability = 0.9,
    ) -> None:
        super().__init__()
        self.latent_dim, self.n_classes, self.mixing = latent_dim, n_classes, mixing
        base, count = layers.doublings(image_size)
        sizes = layers.widths(width, count + 1, max_width)[::-1]
        self.layer_count = 2 * len(sizes)
        self.mapping = Mapping(latent_dim, style_dim, n_classes, mapping_depth)
        self.register_buffer("style_mean", torch.zeros(style_dim))
        self.constant = nn.Parameter(torch.randn(sizes[0], base, base))
        self.styled = nn.ModuleList([StyledLayer(sizes[0], sizes[0], base, style_dim)])
        self.to_image = nn.ModuleList([ToImage(sizes[0], channels, style_dim)])
        for i, (size_in, size_out) in enumerate(pairwise(sizes), start=1):
            size = base * 2**i
            self.styled += [
                StyledLayer(size_in, size_out, size, style_dim, double=True),
                StyledLayer(size_out, size_out, size, style_dim),
            ]
            self.to_image.append(ToImage(size_out, channels, style_dim))
        self.enlarge = SmoothDoubling()

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        return self.synthesize(self.styles(z, y))

    def styles(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """A style for each layer, [N, layer_count, style_dim]; in training the mean follows them.

        Raises:
            ValueError: a labelled network was given no labels.
        """
        w = self.mapping(z, y).float()  # [N, style_dim]
        found = w[:, None].expand(-1, self.layer_count, -1)
        if not self.training:
            return found
        with torch.no_grad():
            self.style_mean.lerp_(w.detach().mean(0), 1.0 - WEIGHT_OF_PAST)
        if not self.mixing:
            return found
        other = self.mapping(torch.randn_like(z), y).float()[:, None]
        first = torch.randint(1, self.layer_count, (len(z), 1), device=z.device)
        mixed = torch.rand(len(z), 1, device=z.device) < self.mixing
        late = torch.arange(self.layer_count, device=z.device) >= first  # [N, layer_count]
        return torch.where((late & mixed)[..., None], other, found)

    def synthesize(self, styles: Tensor) -> Tensor:
        """Images [N, C, H, W] of styles [N, layer_count, style_dim]; in training beyond [-1, 1]."""
        w = styles.unbind(1)
        x = self.constant.expand(len(styles), -1, -1, -1)
        x = self.styled[0](x, w[0])
        image = self.to_image[0](x, w[1])
        for i in range(1, len(self.to_image)):
            x = self.styled[2 * i - 1](x, w[2 * i - 1])
            x = self.styled[2 * i](x, w[2 * i])
            # the last style of a size is the first of the next one, too
            image = self.enlarge(image) + self.to_image[i](x, w[2 * i + 1])
        return image if self.training else image.clamp(-1.0, 1.0)


class Discriminator(roles.Discriminator):
    """Convolutions that halve an image to 4 to 7 pixels, its batch's spread, two dense layers.

    A label meets the features by a mapping of its own: their product with it, divided by the root
    of their number (Miyato & Koyama 2018, as in StyleGAN2-ADA).

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling ends.
        architecture: `original`, or `residual` with shortcuts.
        stddev_group: images among which their spread is measured, at most; 0 does without.
        mapping_depth: layers from a label to what the features are multiplied with.

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
        architecture: Literal["original", "residual"] = "residual",
        stddev_group: Natural = 4,
        mapping_depth: OptionalLayerCount = 8,
    ) -> None:
        base, count = layers.doublings(image_size)
        sizes = layers.widths(width, count + 1, max_width)
        last = sizes[-1]
        modules: list[nn.Module] = [
            *(EqualisedConv2d(channels, width, 1, gain=1.0), ScaledLeakyReLU()),
        ]
        for size_in, size_out in pairwise(sizes):
            block = [
                *(EqualisedConv2d(size_in, size_in, 3, gain=1.0), ScaledLeakyReLU()),
                *(HalvingConv2d(size_in, size_out, 3), ScaledLeakyReLU()),
            ]
            shortcut = HalvingConv2d(size_in, size_out, 1, bias=False)
            residual = architecture == "residual"
            modules += [ShortcutBlock(nn.Sequential(*block), shortcut)] if residual else block
        modules += [GroupStddev(stddev_group)] if stddev_group else []
        modules += [
            EqualisedConv2d(last + (stddev_group > 0), last, 3, gain=1.0),
            *(ScaledLeakyReLU(), nn.Flatten()),
            *(EqualisedLinear(last * base**2, last, gain=1.0), ScaledLeakyReLU()),
        ]
        super().__init__(
            body=nn.Sequential(*modules),
            head=MappedProjectionHead(last, n_classes, mapping_depth),  # type: ignore[arg-type]
            n_classes=n_classes,
        )


class ShortcutBlock(nn.Module):
    """(block(x) + shortcut(x)) / sqrt(2).

    Args:
        block, shortcut: from [N, C, H, W] to the same shape.
    """

    def __init__(self, block: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.block, self.shortcut = block, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> what the parts make of it."""
        return (self.block(x) + self.shortcut(x)) / math.sqrt(2.0)


class MappedProjectionHead(nn.Module):
    """A linear map of the features to one number; with labels, to numbers that meet a mapped label.

    Args:
        feature_dim: F.
        n_classes: how many labels there are; 0 where unlabelled.
        depth: layers of the mapping.
        size: K, length of a mapped label; null for F.
    """

    def __init__(
        self, feature_dim: int, n_classes: int, depth: int, size: int | None = None
    ) -> None:
        super().__init__()
        self.feature_dim, self.n_classes, self.depth = feature_dim, n_classes, depth
        self.size = size or feature_dim
        if n_classes:
            self.mapping = Mapping(0, self.size, n_classes, depth)
        self.linear = EqualisedLinear(feature_dim, self.size if n_classes else 1, gain=1.0)

    def forward(self, features: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, F] with labels [N] -> [N].

        Raises:
            ValueError: a labelled head was given no labels.
        """
        found = self.linear(features)  # [N, K] or [N, 1]
        if not self.n_classes:
            return found.squeeze(1)
        return (found * self.mapping(None, y)).sum(1) / math.sqrt(self.size)

    def resized(self, feature_dim: int) -> "MappedProjectionHead":
        """Return a fresh head of this kind for another number of features."""
        return MappedProjectionHead(feature_dim, self.n_classes, self.depth, self.size)
