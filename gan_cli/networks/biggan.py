"""The networks of BigGAN for small images (Brock et al. 2019, appendix B).

As PyTorch-StudioGAN builds them for CIFAR-10: SAGAN's residual blocks, wider; z comes in chunks,
one for the first map and one for each block; BatchNorm's gains and biases are made of a chunk and
of an embedding of the label that all blocks share.

| images | source                 | z; embedding | G: width, max_width | D: the same | attention |
|--------|------------------------|--------------|---------------------|-------------|-----------|
| 32x32  | StudioGAN, CIFAR-10    | 80; 128      | 384, 384            | 192, 192    | 16        |
"""

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from gan_cli.networks import layers, resnet, roles, sagan
from gan_cli.networks.convolution import Convolution
from gan_cli.networks.labels import required
from gan_cli.ranges import Count, LayerCount, Natural, OptionalLayerCount


class Generator(roles.Generator):
    """A map of 4 to 7 pixels from the first chunk of z, residual blocks told another chunk each.

    Weights are orthogonal at first and spectrally normalised always.

    Args:
        latent_dim: length of all chunks together.
        image_size: H = W of the images.
        channels: C of the images.
        n_classes: how many labels there are; 0 where unlabelled.
        embedding_dim: numbers that stand for a label, the same in every block.
        width: channels next to the image, doubled with every halving of its size.
        max_width: where that doubling ends.
        attention: H = W of the map that the attention reads; null for half of `image_size`.

    Raises:
        ValueError: no first map leads to `image_size`, `max_width` is below `width`, z does not
            part into chunks, or no block gives a map of `attention` pixels.
    """

    def __init__(
        self,
        latent_dim: Count,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        embedding_dim: Count = 128,
        width: Count = 384,
        max_width: Count = 384,
        attention: Count | None = None,
    ) -> None:
        super().__init__()
        self.latent_dim, self.n_classes = latent_dim, n_classes
        base, count = layers.doublings(image_size)
        if latent_dim % (count + 1):
            raise ValueError(
                f"latent_dim={latent_dim}: z has {count + 1} chunks of equal length at "
                f"image_size={image_size}; take a multiple of {count + 1}"
            )
        self.chunk = latent_dim // (count + 1)
        sizes = layers.widths(width, count + 1, max_width)[::-1]
        told = self.chunk
        if n_classes:
            self.embedding = nn.Embedding(n_classes, embedding_dim)
            told += embedding_dim
        norm = partial(ToldBatchNorm2d, told=told)
        self.shape = (sizes[0], base, base)
        self.stem = nn.Linear(self.chunk, sizes[0] * base**2)
        self.blocks = nn.ModuleList(resnet.UpBlock(a, b, norm) for a, b in pairwise(sizes))
        sagan.insert_attention(self.blocks, image_size, attention)
        self.out = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            Convolution(width, channels, 3, padding=1),
            nn.Tanh(),
        )
        layers.init_orthogonal(self)
        layers.normalize_spectrally(self, embeddings=False)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Make images [N, C, H, W] of z [N, latent_dim] and labels y [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        first, *chunks = z.split(self.chunk, dim=1)
        if self.n_classes:
            label = self.embedding(required(y, self.n_classes))
            chunks = [torch.cat([label, chunk], dim=1) for chunk in chunks]
        x = self.stem(first).unflatten(1, self.shape)  # [N, K*base*base] -> [N, K, base, base]
        told = iter(chunks)
        for block in self.blocks:
            x = block(x) if isinstance(block, sagan.SelfAttention) else block(x, next(told))
        return self.out(x)


class Discriminator(sagan.Discriminator):
    """SAGAN's, wider and with orthogonal weights at first.

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
        ValueError: as of SAGAN's.
    """

    def __init__(
        self,
        image_size: Count,
        channels: Count,
        n_classes: Natural = 0,
        width: Count = 192,
        max_width: Count = 192,
        downsamplings: LayerCount | None = None,
        flat_blocks: OptionalLayerCount = 2,
        attention: Count | None = None,
    ) -> None:
        super().__init__(
            *(image_size, channels, n_classes, width, max_width, downsamplings, flat_blocks),
            attention=attention,
        )
        layers.init_orthogonal(self)


class ToldBatchNorm2d(nn.Module):
    """BatchNorm whose gain and bias are linear in what it is told, the gain beside 1.

    Args:
        channels: C of the images.
        told: how many numbers it is told.
    """

    def __init__(self, channels: int, told: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.bias = (nn.Linear(told, channels, bias=False) for _ in range(2))

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Normalise x [N, C, H, W], scale and shift it by what `told` [N, told] says."""
        gain, bias = 1.0 + self.gain(told), self.bias(told)  # [N, C]
        return gain[:, :, None, None] * self.norm(x) + bias[:, :, None, None]
