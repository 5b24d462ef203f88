"""Images moved by affine maps, each by its own, differentiable as often as one likes."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SYM6 = (
    *(0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633),
    *(0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252),
    *(-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148),
)
"""Lowpass filter of the wavelet sym6 (Daubechies 1992): its even shifts are orthonormal, so that
doubling an image with it and halving the result again changes nothing."""
CENTER = sum(i * tap for i, tap in enumerate(SYM6)) / sum(SYM6)
"""Where in the filter its mean lies: pixel i of an image is at 2 i + CENTER when doubled."""
EDGE = 3
"""Pixels beyond the image that the filter reads."""


class Warp(nn.Module):
    """Moves each image; what comes in from outside is the image mirrored at its edges.

    It is doubled, sampled bilinearly, and halved, so that little of its detail is lost and little
    aliases (Karras et al. 2020, "Training GANs with limited data", appendix B). On a GPU the
    gradient at the images is summed up in no fixed order, so that runs are alike in all but the
    last digits.
    """

    taps: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("taps", torch.tensor(SYM6), persistent=False)

    def forward(self, x: Tensor, linear: Tensor, offset: Tensor) -> Tensor:
        """What is seen at a place p of a result is what lies at `linear` p + `offset` in the image.

        Args:
            x: [N, C, H, W].
            linear: [N, 2, 2] of places (x, y) in pixels, from the middle of the image.
            offset: [N, 2].
        """
        height, width = x.shape[2:]
        # products with banded matrices: a convolution of single channels takes longer on a CPU
        double = self._doubling(height, x) @ x @ self._doubling(width, x).T

        # where the samples lie that are then halved
        across, down = (
            (torch.arange(2 * size + len(SYM6) - 2, device=x.device, dtype=x.dtype) - CENTER) / 2
            - (size - 1) / 2
            for size in (width, height)
        )
        (xx, xy), (yx, yy) = linear.permute(1, 2, 0)[..., None, None]  # [N, 1, 1] each
        x0, y0 = offset.T[..., None, None]
        column = xx * across + xy * down[:, None] + x0  # [N, 2H + 10, 2W + 10]
        row = yx * across + yy * down[:, None] + y0
        places = torch.stack(
            [
                (2 * place + size - 0.5 + CENTER - round(CENTER - 0.5)) / size - 1  # [-1, 1] inside
                for place, size in ((column, width), (row, height))
            ],
            dim=-1,
        )
        sampled = _Sample.apply(double, places)
        return self._halving(height, x) @ sampled @ self._halving(width, x).T

    def _doubling(self, size: int, x: Tensor) -> Tensor:
        """What makes of `size` pixels, repeated beyond the edges, twice as many: [2 size, size]."""
        padded = torch.arange(size + 2 * EDGE, device=x.device)
        source = (padded - EDGE).clamp(0, size - 1)
        first = round(CENTER - 0.5) + 2 * EDGE  # the one at the edge of the image
        spread = self._filter(torch.arange(2 * size, device=x.device)[:, None] + first - 2 * padded)
        return spread.to(x.dtype) @ (source[:, None] == padded[:size]).to(x.dtype)

    def _halving(self, size: int, x: Tensor) -> Tensor:
        """What makes of twice as many and what the filter reads beyond: [size, 2 size + 10]."""
        places = torch.arange(2 * size + len(SYM6) - 2, device=x.device)
        return self._filter(places - 2 * torch.arange(size, device=x.device)[:, None]).to(x.dtype)

    def _filter(self, place: Tensor) -> Tensor:
        """The filter at whole places, zero outside."""
        last = len(SYM6) - 1
        return self.taps[place.clamp(0, last)] * ((place >= 0) & (place <= last))


class _Sample(torch.autograd.Function):
    """`grid_sample`, whose own gradient torch cannot differentiate; it is linear in the image."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Tensor) -> Tensor:
        """[N, C, H, W] at places [N, H', W', 2] -> [N, C, H', W']."""
        ctx.save_for_backward(places)
        ctx.size = x.shape
        return F.grid_sample(x, places, padding_mode="reflection", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Of the image; places are not learnt."""
        return _Spread.apply(*gradients, *ctx.saved_tensors, ctx.size), None


class _Spread(torch.autograd.Function):
    """The transpose of `_Sample`."""

    @staticmethod
    def forward(ctx: Any, sampled: Tensor, places: Tensor, size: torch.Size) -> Tensor:
        """[N, C, H', W'] -> [N, C, H, W]."""
        ctx.save_for_backward(places)
        modes = {"interpolation_mode": 0, "padding_mode": 2, "align_corners": False}
        spread, _ = torch.ops.aten.grid_sampler_2d_backward(
            sampled, sampled.new_empty(size), places, **modes, output_mask=[True, False]
        )
        return spread

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Of what was sampled."""
        return _Sample.apply(*gradients, *ctx.saved_tensors), None, None
