"""What the networks of StyleGAN2 are made of.

Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN".
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_cli.networks.equalised import EqualisedConv2d, EqualisedLinear, PixelNorm
from gan_cli.networks.labels import required


class ScaledLeakyReLU(nn.LeakyReLU):
    """Leaky ReLU of slope 0.2, times sqrt(2), so that what it gives varies as much as its input.

    It overwrites that.
    """

    def __init__(self) -> None:
        super().__init__(0.2, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        return super().forward(x) * math.sqrt(2.0)


class Smoothing(nn.Module):
    """The filter [1, 3, 3, 1] along both axes, zeros around the image (section 3.1 and appendix B).

    Args:
        padding: zeros on each side.
        stride: 2 leaves every other pixel.
        gain: the filter sums to it.
    """

    kernel: Tensor

    def __init__(self, padding: int, stride: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        self.padding, self.stride = padding, stride
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8.0
        kernel = gain * torch.outer(row, row)[None, None]
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, (H + 2 padding - 3) / stride, ...]."""
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv2d(x, kernel, None, self.stride, self.padding, groups=channels)


class SmoothDoubling(Smoothing):
    """Twice the size: zeros between the pixels, then the filter."""

    def __init__(self) -> None:
        super().__init__(padding=1, stride=2, gain=4.0)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, 2H, 2W]."""
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv_transpose2d(x, kernel, None, self.stride, self.padding, groups=channels)


class HalvingConv2d(EqualisedConv2d):
    """The filter and a convolution of stride 2.

    Args:
        in_channels, out_channels: C before and after.
        kernel: 1 or 3.
        bias: whether one is added per channel.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, kernel, bias, gain=1.0)
        # beside a 1x1 convolution the filter itself can leave out every other pixel
        self.smooth = Smoothing(2) if kernel == 3 else Smoothing(1, stride=2)
        self.step = 2 if kernel == 3 else 1

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] -> [N, out_channels, H/2, W/2]."""
        return F.conv2d(self.smooth(x), self.weight * self.scale, self.bias, self.step)


class Mapping(nn.Module):
    """z and a label to a style w: normalised, and through layers that learn slowly.

    Args:
        latent_dim: length of z; 0 maps the label alone.
        style_dim: length of w.
        n_classes: how many labels there are; 0 where unlabelled.
        depth: layers.
        lr_multiplier: of their learning rates.
    """

    def __init__(
        self,
        latent_dim: int,
        style_dim: int,
        n_classes: int,
        depth: int,
        lr_multiplier: float = 0.01,
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.norm = PixelNorm()
        if n_classes:
            self.embedding = EqualisedLinear(n_classes, style_dim, gain=1.0)
        size, modules = latent_dim + (style_dim if n_classes else 0), []
        for _ in range(depth):
            layer = EqualisedLinear(size, style_dim, gain=1.0, lr_multiplier=lr_multiplier)
            modules += [layer, ScaledLeakyReLU()]
            size = style_dim
        self.body = nn.Sequential(*modules)

    def forward(self, z: Tensor | None, y: Tensor | None = None) -> Tensor:
        """z [N, latent_dim] or None and labels y [N] -> w [N, style_dim].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        parts = [] if z is None else [self.norm(z)]
        if self.n_classes:
            y = required(y, self.n_classes)
            classes = torch.arange(self.n_classes, device=y.device)
            one_hot = (y[:, None] == classes).to(self.embedding.weight)  # [N, n_classes]
            parts.append(self.norm(self.embedding(one_hot)))
        return self.body(torch.cat(parts, dim=1))


class ModulatedConv2d(nn.Module):
    """A convolution whose input channels a style scales (section 2.2, equations 1 and 3).

    Scaling the input of a convolution does to its output what scaling its weights does, so that all
    images share one convolution, and demodulation is a factor of each channel of its output.

    Args:
        in_channels, out_channels: C before and after.
        kernel: its width, odd.
        style_dim: length of w.
        demodulate: whether each output channel is brought back to its expected size.
        double: whether H and W are doubled, and smoothed by [1, 3, 3, 1].
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        style_dim: int,
        demodulate: bool = True,
        double: bool = False,
    ) -> None:
        super().__init__()
        self.affine = EqualisedLinear(style_dim, in_channels, gain=1.0, bias_start=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.demodulate = demodulate
        # what is not brought back to its size needs the constant of equalised layers
        self.scale = 1.0 if demodulate else 1.0 / math.sqrt(in_channels * kernel**2)
        self.smooth = Smoothing(1, gain=4.0) if double else None

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in_channels, H, W] and w [N, style_dim] -> [N, out_channels, H, W], or twice H, W."""
        style = self.affine(w) * self.scale  # [N, in_channels]
        x = x * style[:, :, None, None]
        if self.smooth is None:
            x = F.conv2d(x, self.weight, padding=self.weight.shape[2] // 2)
        else:
            x = self.smooth(F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2))
        if not self.demodulate:
            return x
        with torch.autocast(x.device.type, enabled=False):
            energy = self.weight.square().sum((2, 3))  # [out_channels, in_channels]
            size = torch.rsqrt(style.float().square() @ energy.T + 1e-8)  # [N, out_channels]
        return x * size[:, :, None, None]


class StyledLayer(nn.Module):
    """A modulated convolution, noise of a learned strength, a bias, an activation.

    Noise is drawn anew in training, and otherwise the same for all images, so that the same latent
    gives the same image.

    Args:
        in_channels, out_channels: C before and after.
        size: H = W behind it.
        style_dim: length of w.
        double: whether it doubles H and W.
    """

    noise: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, size: int, style_dim: int, double: bool = False
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, out_channels, 3, style_dim, double=double)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise", torch.randn(size, size))
        self.activation = ScaledLeakyReLU()

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in_channels, H, W] and w [N, style_dim] -> [N, out_channels, size, size]."""
        x = self.conv(x, w)
        noise = torch.randn_like(x[:, :1]) if self.training else self.noise.to(x)
        return self.activation(x + noise * self.noise_strength + self.bias[:, None, None])


class ToImage(nn.Module):
    """Channels to those of an image, by a style but not demodulated.

    Args:
        in_channels: C before.
        channels: C of images.
        style_dim: length of w.
    """

    def __init__(self, in_channels: int, channels: int, style_dim: int) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, channels, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in_channels, H, W] and w [N, style_dim] -> [N, channels, H, W]."""
        return self.conv(x, w) + self.bias[:, None, None]
