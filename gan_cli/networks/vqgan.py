"""The autoencoder of VQGAN (Esser et al. 2021, tables 7 and 8, and the authors' code).

`width` 128, `multipliers` 1-1-2-2-4, 2 blocks and a codebook of 1024 x 256 turn 256x256 pixels into
16x16 entries.
"""

import math
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import torch
from annotated_types import MaxLen, MinLen
from torch import Tensor, nn
from torch.nn import functional as F

from gan_cli.networks import roles
from gan_cli.networks.convolution import Convolution
from gan_cli.ranges import Count, LayerCount, Natural


class Coded(NamedTuple):
    """Images as the codebook has them; maps [N, K, h, w]."""

    encoding: Tensor
    """What the encoder gave, float32."""
    entry: Tensor
    """The nearest entries in its place; gradients reach the codebook."""
    quantized: Tensor
    """The same numbers for the decoder; gradients reach the encoder as if it were `encoding`."""
    chosen: Tensor
    """Which entries, int64 [N, h, w]."""


class CodedAutoencoder(roles.Translator):
    """Encoder, codebook, decoder.

    Residual blocks with GroupNorm and SiLU; the encoder halves, the decoder doubles between levels;
    self-attention at the innermost level and in the middle.

    Args:
        channels: C of the images.
        width: channels next to the image.
        multipliers: of the width at each level, outermost first; one level more halves once more.
        blocks: residual blocks a level; the decoder has one more.
        entries: how many the codebook has.
        entry_dim: K, length of each.
        revive_after: batches after which an entry that no place was nearest to begins anew at an
            encoding of the batch at hand; 0: never, as in the paper.
    """

    def __init__(
        self,
        channels: Count,
        width: Count = 128,
        multipliers: Annotated[Sequence[Count], MinLen(1), MaxLen(8)] = (1, 1, 2, 2, 4),
        blocks: LayerCount = 2,
        entries: Count = 1024,
        entry_dim: Count = 256,
        revive_after: Natural = 0,
    ) -> None:
        super().__init__()
        self.in_channels = self.out_channels = channels
        self.halvings = len(multipliers) - 1
        sizes = [width * m for m in multipliers]
        inner = sizes[-1]

        down: list[nn.Module] = [_conv(channels, width)]
        before = width
        for level, size in enumerate(sizes):
            last = level == self.halvings
            down += _level(before, size, blocks, attention=last)
            down += [] if last else [Halve(size)]
            before = size
        self.encoder = nn.Sequential(*down, *_middle(inner), *_out(inner, entry_dim))
        self.to_entry = nn.Conv2d(entry_dim, entry_dim, 1)

        self.codebook = nn.Embedding(entries, entry_dim)
        nn.init.uniform_(self.codebook.weight, -1 / entries, 1 / entries)
        self.revive_after = revive_after
        self.register_buffer("idle", torch.full((entries,), revive_after))
        self.idle: Tensor

        self.from_entry = nn.Conv2d(entry_dim, entry_dim, 1)
        up: list[nn.Module] = [_conv(entry_dim, inner), *_middle(inner)]
        before = inner
        for level, size in reversed(list(enumerate(sizes))):
            up += _level(before, size, blocks + 1, attention=level == self.halvings)
            up += [nn.Upsample(scale_factor=2), _conv(size, size)] if level else []
            before = size
        self.decoder = nn.Sequential(*up, *_out(width * multipliers[0], channels))

    @property
    def last_layer(self) -> Tensor:
        """Weights of the last convolution, where the adaptive weight compares gradients."""
        last = self.decoder[-1]
        assert isinstance(last, nn.Conv2d)
        return last.weight

    def encode(self, x: Tensor) -> Coded:
        """Images [N, C, H, W] as entries [N, K, h, w], h = H / 2^(levels - 1).

        Raises:
            ValueError: H or W cannot be halved so often.
        """
        if any(side % 2**self.halvings for side in x.shape[2:]):
            fits = math.ceil(x.shape[2] / 2**self.halvings) * 2**self.halvings
            raise ValueError(
                f"{x.shape[2]}x{x.shape[3]} pixels cannot be halved {self.halvings} times; take "
                f"fewer model.generator.multipliers, or data.image_size={fits}"
            )
        encoding = self.to_entry(self.encoder(x)).float()
        index = self.nearest(encoding)
        entry = self.codebook(index).permute(0, 3, 1, 2)  # [N, h, w, K] -> [N, K, h, w]
        return Coded(encoding, entry, encoding + (entry - encoding).detach(), index)

    @torch.no_grad()
    def nearest(self, encoding: Tensor) -> Tensor:
        """The nearest entry of each place: [N, K, h, w] -> int64 [N, h, w]."""
        with torch.autocast(encoding.device.type, enabled=False):
            flat = encoding.permute(0, 2, 3, 1).flatten(0, 2)  # -> [N*h*w, K]
            book = self.codebook.weight.float()
            # |z - e|^2 without |z|^2, which is the same for all e
            distance = book.square().sum(1) - 2 * flat @ book.T
        return distance.argmin(1).view(len(encoding), *encoding.shape[2:])

    @torch.no_grad()
    def revive(self, coded: Coded) -> None:
        """Let entries that have been idle for long begin anew; nothing waits for the device.

        Dhariwal et al. 2020 (Jukebox, arXiv:2005.00341), section 3.1, restart those of little use.
        """
        if not self.revive_after:
            return
        used = torch.zeros_like(self.idle).index_fill_(0, coded.chosen.flatten(), 1)
        self.idle.copy_(torch.where(used > 0, 0, self.idle + 1))
        flat = coded.encoding.transpose(0, 1).flatten(1).T  # [N, K, h, w] -> [N*h*w, K]
        fresh = flat[torch.randint(len(flat), self.idle.shape, device=flat.device)]
        dead = self.idle > self.revive_after
        weight = self.codebook.weight
        weight.copy_(torch.where(dead[:, None], fresh.to(weight), weight))
        self.idle.masked_fill_(dead, 0)

    def decode(self, quantized: Tensor) -> Tensor:
        """Maps of entries [N, K, h, w] -> [N, C, H, W]; about [-1, 1], nothing holds it there."""
        return self.decoder(self.from_entry(quantized))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]: through the codebook and back."""
        return self.decode(self.encode(x).quantized)


class NormalizedResidual(nn.Module):
    """GroupNorm, SiLU, convolution, twice, beside the identity, or a 1x1 where widths differ.

    Args:
        size_in: channels that come in.
        size_out: channels that go out.
    """

    def __init__(self, size_in: int, size_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_out(size_in, size_out), *_out(size_out, size_out))
        self.skip = nn.Identity() if size_in == size_out else nn.Conv2d(size_in, size_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, size_in, H, W] -> [N, size_out, H, W]."""
        return self.skip(x) + self.body(x)


class MapAttention(nn.Module):
    """Every place looks at all others, with one head; beside the identity.

    Args:
        channels: of what comes in and goes out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.query_key_value = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        flat = self.query_key_value(self.norm(x)).flatten(2).transpose(1, 2)  # -> [N, H*W, 3C]
        seen = F.scaled_dot_product_attention(*flat.chunk(3, dim=2))  # [N, H*W, C]
        return x + self.out(seen.transpose(1, 2).unflatten(2, x.shape[2:]))


class Halve(nn.Module):
    """A convolution of stride 2 with a border to the right and below alone.

    Args:
        channels: of what comes in and goes out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Convolution(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H / 2, W / 2]."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


def _level(size_in: int, size_out: int, blocks: int, attention: bool) -> list[nn.Module]:
    found: list[nn.Module] = []
    for number in range(blocks):
        found.append(NormalizedResidual(size_in if number == 0 else size_out, size_out))
        found += [MapAttention(size_out)] if attention else []
    return found


def _middle(channels: int) -> list[nn.Module]:
    return [
        NormalizedResidual(channels, channels),
        MapAttention(channels),
        NormalizedResidual(channels, channels),
    ]


def _out(size_in: int, size_out: int) -> list[nn.Module]:
    return [_norm(size_in), nn.SiLU(), _conv(size_in, size_out)]


def _norm(channels: int) -> nn.Module:
    """Groups of 4 channels or more, 32 groups at the most, as the published widths have them."""
    return nn.GroupNorm(math.gcd(32, max(channels // 4, 1)), channels)


def _conv(size_in: int, size_out: int) -> nn.Conv2d:
    return Convolution(size_in, size_out, 3, padding=1)
