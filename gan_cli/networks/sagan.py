"""Self-attention on residual networks (Zhang et al. 2019, figure 2 and section 3).

At 32x32 these are SNGAN's networks with a layer of attention at 16x16 in each, as
PyTorch-StudioGAN builds them. Spectral normalisation in G is the network's own; in D it is the
trick that every D may have.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_cli.networks import layers, resnet
from gan_cli.ranges import Count, LayerCount, Natural, OptionalLayerCount


class SelfAttention(nn.Module):
    """Every pixel looks at all others: x + sigma o, sigma learned from 0 (equations 1 to 3).

    Keys and values are max-pooled to half the size; queries and keys have an eighth of the
    channels, values half of them.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(channels // 8, 1), max(channels // 2, 1)
        self.query, self.key, self.value, self.out = (
            nn.Conv2d(size_in, size_out, 1, bias=False)
            for size_in, size_out in (
                *((channels, narrow), (channels, narrow)),
                *((channels, half), (half, channels)),
            )
        )
        for conv in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(conv.weight)
        self.sigma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """[N, C, H, W] -> the same; what conditions a block changes nothing."""
        query = self.query(x).flatten(2)  # [N, C/8, H*W]
        key = F.max_pool2d(self.key(x), 2).flatten(2)  # [N, C/8, H*W/4]
        value = F.max_pool2d(self.value(x), 2).flatten(2)  # [N, C/2, H*W/4]
        weights = torch.softmax(query.transpose(1, 2) @ key, dim=2)  # [N, H*W, H*W/4]
        seen = (value @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])  # [N, C/2, H, W]
        return x + self.sigma * self.out(seen)


class Generator(resnet.Generator):
    """SNGAN's, class-conditional BatchNorm included, with attention and spectral normalisation.

    Args:
        latent_dim: length of z; 128 in the paper.
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling ends.
        attention: H = W of the map that the attention reads; null for half of `image_size`.

    Raises:
        ValueError: no first map leads to `image_size`, `max_width` is below `width`, or no block
            gives a map of `attention` pixels.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 256,
        max_width: Count = 256,
        attention: Count | None = None,
    ) -> None:
        super().__init__(latent_dim, image_size, channels, n_classes, width, max_width)
        insert_attention(self.blocks, image_size, attention)
        layers.normalize_spectrally(self, embeddings=False)


class Discriminator(resnet.Discriminator):
    """SNGAN's with attention.

    Args:
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        width: channels of the first block, doubled with every further one.
        max_width: where that doubling ends.
        downsamplings: how many blocks halve the image; null leaves 8 pixels or fewer.
        flat_blocks: how many blocks follow that do not.
        attention: H = W of the map that the attention reads; null for half of `image_size`.

    Raises:
        ValueError: `image_size` cannot be halved so often, `max_width` is below `width`, or no
            block gives a map of `attention` pixels.
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
        attention: Count | None = None,
    ) -> None:
        super().__init__(
            *(image_size, channels, n_classes, width, max_width, downsamplings, flat_blocks)
        )
        assert isinstance(self.body, nn.Sequential)
        insert_attention(self.body, image_size, attention)


def insert_attention(
    modules: nn.ModuleList | nn.Sequential, image_size: int, attention: int | None
) -> None:
    """Put attention behind the first block of G or of D that gives a map of `attention` pixels.

    Raises:
        ValueError: there is none.
    """
    blocks = [layer for layer in modules if isinstance(layer, resnet.UpBlock | resnet.DownBlock)]
    ups = sum(isinstance(block, resnet.UpBlock) for block in blocks)
    size, sizes = image_size // 2**ups, []
    for block in blocks:
        halves = isinstance(block, resnet.DownBlock) and block.halve
        size = size * 2 if isinstance(block, resnet.UpBlock) else size // 2 if halves else size
        sizes.append(size)
    if attention is None:
        attention = image_size // 2 if image_size // 2 in sizes else sizes[0]
    if attention not in sizes:
        raise ValueError(
            f"attention={attention}: the blocks give maps of {', '.join(map(str, sizes))} pixels; "
            "choose one of them"
        )
    number = sizes.index(attention)
    modules.insert(number + 1, SelfAttention(blocks[number].size_out))
