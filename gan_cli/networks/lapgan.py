"""A Laplacian pyramid of networks (Denton et al. 2015), as in the authors' code for CIFAR-10.

The coarsest level makes an image of noise. Each finer one adds detail to the enlarged image of the
level before: G makes it of a map of noise and that image, and D judges their sum.
"""

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_cli.networks import layers, mlp, roles
from gan_cli.networks.convolution import Convolution
from gan_cli.networks.dropout import UniformDropout
from gan_cli.networks.heads import LinearHead
from gan_cli.networks.labels import AppendLabel, LabelPlane
from gan_cli.ranges import Count, LayerCount, LayerSizes, Natural, Probability


def halved(x: Tensor, times: int = 1) -> Tensor:
    """Images [N, C, H, W] of half the size, means of 2x2 pixels, so many times over."""
    return F.avg_pool2d(x, 2**times) if times else x


def enlarged(x: Tensor) -> Tensor:
    """Images [N, C, H, W] of twice the size, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Generator(roles.Generator):
    """The whole pyramid: z to an image.

    z is the noise of all levels, uniform in [-1, 1]: `noise_dim` numbers for the coarsest, then a
    map of each finer level's size. Images are linear; outside training they are clamped to [-1, 1].

    Args:
        image_size: H = W of the finest images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        depth: how often the coarsest image is doubled.
        noise_dim: numbers that the coarsest level starts from.
        hidden: sizes of its hidden layers, ReLU behind all but the last one, which has a sigmoid.
        width: channels of the two hidden layers of each finer level.

    Attributes:
        latent_dim: length of z.

    Raises:
        ValueError: `image_size` cannot be halved so often.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        depth: LayerCount = 2,
        noise_dim: Count = 100,
        hidden: LayerSizes = (8000, 8000),
        width: Count = 64,
    ) -> None:
        super().__init__()
        base, _ = layers.doublings(image_size, depth)
        sizes = [base * 2**level for level in range(depth + 1)]
        self.n_classes, self.depth = n_classes, depth
        self.noise_dims = [noise_dim, *(size**2 for size in sizes[1:])]
        self.latent_dim = sum(self.noise_dims)
        self.base = _Base(noise_dim, base, channels, n_classes, hidden)
        self.finer = nn.ModuleList(_Finer(s, channels, n_classes, width) for s in sizes[1:])

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        noises = z.split(self.noise_dims, dim=1)
        x = self.base(noises[0], y)
        for finer, noise in zip(self.finer, noises[1:], strict=True):
            x = finer(enlarged(x), noise, y)
        return x if self.training else x.clamp(-1.0, 1.0)

    def level(self, number: int, coarse: Tensor | None, noise: Tensor, y: Tensor | None) -> Tensor:
        """One level alone.

        Args:
            number: of the level, 0 for the coarsest.
            coarse: what it adds detail to, of its own size already, [N, C, H, W]; None at 0.
            noise: [N, noise_dims[number]], uniform in [-1, 1].
            y: labels [N].
        """
        if coarse is None:
            return self.base(noise, y)
        return self.finer[number - 1](coarse, noise, y)


class _Base(nn.Module):
    """z [N, noise_dim] and labels to images [N, C, S, S]."""

    def __init__(
        self, noise_dim: int, size: int, channels: int, n_classes: int, hidden: LayerSizes
    ) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.label_stem = AppendLabel(n_classes)
        modules: list[nn.Module] = []
        for size_in, size_out in pairwise([noise_dim + n_classes, *hidden]):
            modules += [nn.Linear(size_in, size_out), nn.ReLU(inplace=True)]
        if modules:
            modules[-1] = nn.Sigmoid()
        last = hidden[-1] if hidden else noise_dim + n_classes
        self.body = nn.Sequential(*modules, nn.Linear(last, math.prod(self.shape)))
        _init_linear(self.body, 0.05)

    def forward(self, z: Tensor, y: Tensor | None) -> Tensor:
        return self.body(self.label_stem(z, y)).unflatten(1, self.shape)


class _Finer(nn.Module):
    """What is coarse [N, C, S, S], noise [N, S^2] and labels to images [N, C, S, S]."""

    def __init__(self, size: int, channels: int, n_classes: int, width: int) -> None:
        super().__init__()
        self.label_stem = LabelPlane(n_classes, size) if n_classes else None
        self.body = nn.Sequential(
            Convolution(1 + channels + bool(n_classes), width, 7, padding=3),
            nn.ReLU(inplace=True),
            Convolution(width, width, 7, padding=3),
            nn.ReLU(inplace=True),
            Convolution(width, channels, 5, padding=2),
        )

    def forward(self, coarse: Tensor, noise: Tensor, y: Tensor | None) -> Tensor:
        plane = noise.unflatten(1, (1, *coarse.shape[2:]))  # [N, S^2] -> [N, 1, S, S]
        x = torch.cat([plane, coarse], dim=1)
        return coarse + self.body(x if self.label_stem is None else self.label_stem(x, y))


class Discriminators(nn.Module):
    """A discriminator for each level of the pyramid.

    Args:
        image_size: H = W of the finest images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        depth: as in G.
        hidden: sizes of the hidden layers of the coarsest one, which is fully connected.
        width: channels of the others.
        kernel: of their two convolutions, without padding, the second of stride 2.
        dropout: share of hidden units that is dropped in training.

    Attributes:
        levels: of images [N, C, S, S] each, from the coarsest on.

    Raises:
        ValueError: `image_size` cannot be halved so often, or nothing is left of a level's images
            behind its convolutions.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        depth: LayerCount = 2,
        hidden: LayerSizes = (1600, 1600),
        width: Count = 64,
        kernel: Literal[3, 5] = 5,
        dropout: Probability = 0.5,
    ) -> None:
        super().__init__()
        base, _ = layers.doublings(image_size, depth)
        if 2 * base < 2 * kernel - 1:
            raise ValueError(
                f"kernel={kernel}: too large for the second level, of {2 * base} pixels; take "
                "kernel=3 or a smaller depth"
            )
        coarsest = mlp.Discriminator(base, channels, n_classes, hidden, "relu", dropout)
        _init_linear(coarsest, 0.005)
        self.n_classes = n_classes
        self.levels = nn.ModuleList([coarsest])
        for level in range(1, depth + 1):
            size = base * 2**level
            self.levels.append(_discriminator(size, channels, n_classes, width, kernel, dropout))


def _discriminator(
    size: int, channels: int, n_classes: int, width: int, kernel: int, dropout: float
) -> roles.Discriminator:
    left = (size - kernel + 1 - kernel) // 2 + 1
    return roles.Discriminator(
        label_stem=LabelPlane(n_classes, size) if n_classes else None,
        body=nn.Sequential(
            Convolution(channels + bool(n_classes), width, kernel),
            nn.ReLU(inplace=True),
            Convolution(width, width, kernel, stride=2),
            nn.ReLU(inplace=True),
            nn.Flatten(),  # [N, K, S', S'] -> [N, F]
            UniformDropout(dropout),
        ),
        head=LinearHead(width * left**2),
        n_classes=n_classes,
    )


def _init_linear(network: nn.Module, std: float) -> None:
    """Weights from N(0, std), zero biases, as the authors have them in their dense layers."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, std)
            nn.init.zeros_(layer.bias)
