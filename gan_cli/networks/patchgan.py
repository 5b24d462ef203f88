"""The discriminator of pix2pix and CycleGAN (Isola et al. 2017, appendix 6.1.2).

It says of every patch whether it is real: at `layers` 3 a patch is 70x70 pixels, the published
size, at 1 it is 16x16, at 0 a single pixel (PixelGAN).
"""

from itertools import pairwise
from typing import Annotated

from annotated_types import Ge, Le
from torch import nn

from gan_cli.networks import layers as blocks
from gan_cli.networks import roles
from gan_cli.networks.convolution import Convolution
from gan_cli.networks.heads import PatchHead
from gan_cli.networks.labels import LabelPlane
from gan_cli.ranges import Count, Natural


class PatchGAN(roles.Discriminator):
    """4x4 convolutions: `layers` of stride 2, one of stride 1, and one more that is the head.

    Logits are a map, [N, H', W']; features are the map before it, averaged over its pixels. Labels
    come with the image as one more channel.

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        condition_channels: of what is judged together with each image, as pix2pix does the source;
            it comes before the image's own.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels behind the first convolution, doubled with each further one up to eightfold.
        layers: convolutions of stride 2.
        normalization: after every convolution but the first and the last; without gain and bias
            where it is instance.

    Raises:
        ValueError: `image_size` is too small for so many layers.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        condition_channels: Natural = 0,
        n_classes: Natural = 0,
        width: Count = 64,
        layers: Annotated[int, Ge(0), Le(8)] = 3,
        normalization: blocks.PlainNormalization = "batch",
    ) -> None:
        if layers and image_size // 2**layers < 3:  # the two of stride 1 take a pixel each
            possible = [str(n) for n in range(layers) if n == 0 or image_size // 2**n >= 3]
            raise ValueError(
                f"layers={layers}: image_size={image_size} leaves no patch to judge; "
                f"choose one of {', '.join(possible)}"
            )
        channels += condition_channels
        label_stem = None
        if n_classes:
            label_stem = LabelPlane(n_classes, image_size)
            channels += 1
        kernel, padding = (4, 1) if layers else (1, 0)
        strides = [2] * layers + [1] if layers else [1, 1]
        sizes = blocks.widths(width, len(strides), 8 * width)
        modules: list[nn.Module] = []
        for stride, (size_in, size_out) in zip(strides, pairwise([channels, *sizes]), strict=True):
            normalized = normalization if modules else "none"
            modules += [
                Convolution(size_in, size_out, kernel, stride, padding, bias=normalized != "batch"),
                blocks.plain_normalization(normalized, size_out),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        super().__init__(
            label_stem=label_stem,
            body=nn.Sequential(*modules),  # [N, C, H, W] -> [N, F, H', W']
            head=PatchHead(sizes[-1], 4 if layers else 1),
            n_classes=n_classes,
        )
        blocks.init_normal(self)
