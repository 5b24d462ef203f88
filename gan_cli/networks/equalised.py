"""Equalised learning rates (Karras et al. 2018, section 4.1), and lengths kept at one.

Weights are drawn from N(0, 1) and scaled whenever they are used, by the constant that others draw
them with (He et al. 2015). Adam steps by about the learning rate whatever the gradient's size, so
that weights of equal size are learnt equally fast in every layer.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_cli.networks.convolution import Geometry, convolve

HE_GAIN = math.sqrt(2.0)
"""Makes up for the half of its input that a rectifier takes away."""


class EqualisedLinear(nn.Linear):
    """y = gain / sqrt(in_features) W x + b.

    Args:
        in_features: length of x.
        out_features: length of y.
        bias: whether there is a b.
        gain: of the whole layer.
        lr_multiplier: weights are held larger by its inverse, and count for less by itself: they
            are learnt so much more slowly (Karras et al. 2019, appendix C).
        bias_start: b before training.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        gain: float = HE_GAIN,
        lr_multiplier: float = 1.0,
        bias_start: float = 0.0,
    ) -> None:
        super().__init__(in_features, out_features, bias)
        self.scale = gain * lr_multiplier / math.sqrt(in_features)
        self.lr_multiplier = lr_multiplier
        nn.init.normal_(self.weight, std=1.0 / lr_multiplier)
        if bias:
            nn.init.constant_(self.bias, bias_start / lr_multiplier)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_features] -> [N, out_features]."""
        bias: Tensor | None = self.bias
        if bias is not None and self.lr_multiplier != 1.0:
            bias = bias * self.lr_multiplier
        return F.linear(x, self.weight * self.scale, bias)


class EqualisedConv2d(nn.Conv2d):
    """A convolution of stride 1 that keeps H and W, its weights scaled by gain / sqrt(fan in).

    Args:
        in_channels, out_channels: C before and after.
        kernel: its width, odd.
        bias: whether one is added per channel.
        gain: of the whole layer.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        bias: bool = True,
        gain: float = HE_GAIN,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2, bias=bias)
        self.geometry = Geometry(kernel, 1, kernel // 2)
        self.scale = gain / math.sqrt(in_channels * kernel**2)
        nn.init.normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] -> [N, out_channels, H, W]."""
        return convolve(x, self.weight * self.scale, self.bias, self.geometry)


class PixelNorm(nn.Module):
    """Every pixel's vector, or a latent, to a mean square of 1 (Karras et al. 2018, section 4.2).

    Args:
        epsilon: added to the mean square.
    """

    def __init__(self, epsilon: float = 1e-8) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """x / sqrt(mean over C of x^2 + epsilon), [N, C, ...] or [N, F]."""
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + self.epsilon)
