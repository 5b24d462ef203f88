"""The U-Net generator of pix2pix (Isola et al. 2017, appendix 6.1.1).

`width` 64 at 256x256 goes 64-128-256-512-512-512-512-512 down to one pixel and back, as in the
authors' code: 54.41M parameters.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.networks.dropout import UniformDropout
from gan_cli.ranges import Count, LayerCount, OptionalLayerCount, Probability

DEEPEST = 8
"""Halvings of the published network; larger images are not taken to one pixel."""


class UNet(roles.Translator):
    """Convolutions of stride 2 down, transposed ones up, each of them joined by its opposite.

    LeakyReLU on the way down, ReLU on the way up, tanh at the end. The first and the innermost
    convolution are not normalised. There is no z: dropout, which the authors leave on when they
    draw as well, is the only noise.

    Args:
        image_size: H = W of the images.
        in_channels: C of the images that come in.
        out_channels: C of those that go out.
        width: channels behind the first convolution, doubled with every further one.
        max_width: where that doubling ends.
        depth: how often the image is halved; null halves while the size is even, 8 times at most.
        dropout: share dropped in each of the `dropout_blocks`.
        dropout_blocks: how many of the up blocks next to the innermost drop; 3 at 256x256, 2 at
            128x128 in the authors' code. Fewer where there are not so many.
        normalization: after every other convolution; without gain and bias where it is instance.

    Raises:
        ValueError: `image_size` cannot be halved so often, or `max_width` is below `width`.
    """

    contiguous = True
    """Inner maps have fewer numbers than their weights: laid out otherwise, those would be copied
    in every pass, two fifths of a step at 64 pixels and batches of 1."""

    def __init__(
        self,
        image_size: Count,
        in_channels: Count,
        out_channels: Count,
        width: Count = 64,
        max_width: Count = 512,
        depth: LayerCount | None = None,
        dropout: Probability = 0.5,
        dropout_blocks: OptionalLayerCount = 3,
        normalization: layers.PlainNormalization = "batch",
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        possible = layers.halvings(image_size)
        depth = min(possible, DEEPEST) if depth is None else depth
        if not 1 <= depth <= possible:
            hint = f"at most {possible} times" if possible else "not at all: take an even size"
            raise ValueError(f"depth={depth}: image_size={image_size} can be halved {hint}")
        sizes = layers.widths(width, depth, max_width)
        bias = normalization != "batch"

        down: list[nn.Module] = [Convolution(in_channels, width, 4, stride=2, padding=1, bias=bias)]
        for size_in, size_out in pairwise(sizes):
            innermost = len(down) == depth - 1
            down.append(
                nn.Sequential(
                    nn.LeakyReLU(0.2),
                    Convolution(size_in, size_out, 4, stride=2, padding=1, bias=bias),
                    layers.plain_normalization("none" if innermost else normalization, size_out),
                )
            )
        up: list[nn.Module] = []
        for size_in, size_out in pairwise(sizes[::-1]):
            dropping = 1 <= len(up) <= dropout_blocks
            up.append(
                nn.Sequential(
                    nn.ReLU(inplace=True),
                    _double(size_in if not up else 2 * size_in, size_out, bias),
                    layers.plain_normalization(normalization, size_out),
                    UniformDropout(dropout) if dropping else nn.Identity(),
                )
            )
        last = _double(width if not up else 2 * width, out_channels, bias=True)
        self.down = nn.ModuleList(down)
        self.up = nn.ModuleList(up)
        self.out = nn.Sequential(nn.ReLU(inplace=True), last, nn.Tanh())
        layers.init_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] -> [N, out_channels, H, W] in [-1, 1]."""
        seen = []
        for layer in self.down:
            x = layer(x)
            seen.append(x)
        seen.pop()
        for layer in self.up:
            x = torch.cat([seen.pop(), layer(x)], dim=1)  # both [N, K, H, W]
        return self.out(x)


def _double(size_in: int, size_out: int, bias: bool) -> nn.ConvTranspose2d:
    return TransposedConvolution(size_in, size_out, 4, stride=2, padding=1, bias=bias)
