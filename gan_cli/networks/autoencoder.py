"""Discriminators that are autoencoders: how badly an image comes back is how odd it is.

Their logit is minus the error of reconstruction, so that all losses and tricks on logits apply;
their features are the code.
"""

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.ranges import Count, LayerCount, LayerSizes

Error = Literal["length", "squared", "absolute"]


class Autoencoder(roles.Discriminator):
    """x -> code -> x~, and -error(x, x~) for a logit.

    Args:
        encoder: images [N, C, H, W] -> codes [N, F].
        decoder: back.
        code_dim: F.
        error: the Euclidean `length` of the difference (EBGAN), or the mean over pixels of its
            `squared` or `absolute` (BEGAN) values.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, code_dim: int, error: Error) -> None:
        head = Decoder(decoder, code_dim)
        super().__init__(encoder, head, n_classes=0)  # type: ignore[arg-type]
        self.error = error

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Minus the error [N] and codes [N, F] of images [N, C, H, W]; labels change nothing."""
        code = self.features(x)
        apart = (self.head(code) - x).flatten(1)
        match self.error:
            case "length":
                return -torch.linalg.vector_norm(apart, dim=1), code
            case "squared":
                return -(apart**2).mean(1), code
            case "absolute":
                return -apart.abs().mean(1), code


class Decoder(nn.Module):
    """From a code, and from what tricks append to it, back to an image; stands for a head.

    Args:
        layers: codes [N, F] to images.
        code_dim: F.
        appended: K, numbers that are appended to the code.
    """

    def __init__(self, layers: nn.Module, code_dim: int, appended: int = 0) -> None:
        super().__init__()
        self.layers, self.code_dim, self.appended = layers, code_dim, appended
        self.feature_dim = code_dim + appended
        self.join = nn.Linear(appended, code_dim) if appended else None

    def forward(self, code: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, F + K] -> [N, C, H, W]; labels change nothing."""
        if self.join is None:
            return self.layers(code)
        own, more = code.split([self.code_dim, self.appended], dim=1)
        return self.layers(own + self.join(more))

    def resized(self, feature_dim: int) -> "Decoder":
        """The same for a code that more is appended to."""
        return Decoder(self.layers, self.code_dim, feature_dim - self.code_dim)


class MLPAutoencoder(Autoencoder):
    """Fully connected, as EBGAN's on MNIST (Zhao et al. 2017, appendix C).

    Args:
        image_size: H = W of the images; 1 for points.
        channels: C of the images; for points the number of coordinates.
        hidden: sizes of the layers from the image to the code, which is the last; mirrored on the
            way back.
        activation: after every hidden layer, the code among them.
        normalization: of every hidden layer; under a gradient penalty not batch.
        error: see `Autoencoder`.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        hidden: LayerSizes = (1024,),
        activation: layers.Activation = "relu",
        normalization: layers.FeatureNormalization = "batch",
        error: Error = "length",
    ) -> None:
        shape = (channels, image_size, image_size)
        sizes = [math.prod(shape), *hidden]

        def dense(size_in: int, size_out: int) -> list[nn.Module]:
            return [
                nn.Linear(size_in, size_out),
                layers.feature_normalization(normalization, size_out),
                layers.activation(activation),
            ]

        there = [module for pair in pairwise(sizes) for module in dense(*pair)]
        back = [module for pair in pairwise(sizes[:0:-1]) for module in dense(*pair)]
        back += [nn.Linear(sizes[1], sizes[0]), nn.Unflatten(1, shape)]
        encoder = nn.Sequential(nn.Flatten(), *there)  # [N, C, H, W] -> [N, C*H*W]
        super().__init__(encoder, nn.Sequential(*back), sizes[-1], error)


class ConvAutoencoder(Autoencoder):
    """Convolutions of stride 2 to a map, which is the code, and transposed ones back.

    EBGAN's at 64 pixels (Zhao et al. 2017, appendix D): 64-128-256, and back.

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        width: channels behind the first convolution, doubled with every further one.
        depth: how often the image is halved.
        normalization: of every layer but the first and the last; under a gradient penalty not
            batch.
        error: see `Autoencoder`.

    Raises:
        ValueError: `image_size` cannot be halved so often.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        width: Count = 64,
        depth: LayerCount = 3,
        normalization: layers.Normalization = "batch",
        error: Error = "length",
    ) -> None:
        base = layers.divided(image_size, 2**depth)
        sizes = layers.widths(width, depth, width * 2**depth)

        def following(size: int) -> list[nn.Module]:
            return [layers.normalization(normalization, size), layers.activation("leaky_relu")]

        there: list[nn.Module] = [
            Convolution(channels, width, 4, 2, 1),
            layers.activation("leaky_relu"),
        ]
        for size_in, size_out in pairwise(sizes):
            there += [Convolution(size_in, size_out, 4, 2, 1), *following(size_out)]
        back: list[nn.Module] = [nn.Unflatten(1, (sizes[-1], base, base))]
        for size_in, size_out in pairwise(sizes[::-1]):
            back += [TransposedConvolution(size_in, size_out, 4, 2, 1), *following(size_out)]
        back += [TransposedConvolution(width, channels, 4, 2, 1)]
        encoder = nn.Sequential(*there, nn.Flatten())  # [N, F, h, w] -> [N, F*h*w]
        super().__init__(encoder, nn.Sequential(*back), sizes[-1] * base**2, error)
        layers.init_normal(self)
