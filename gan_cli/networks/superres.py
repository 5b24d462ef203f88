"""The networks of SRGAN (Ledig et al. 2017) and ESRGAN (Wang et al. 2018), as BasicSR has them.

Both generators are convolutions alone, so images of any size go through. For x4 and RGB SRResNet
has 1.518M parameters (without BatchNorm, which the SRGAN paper has), RRDBNet 16.698M, the
discriminator at 128 pixels 14.499M.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution
from gan_cli.networks.heads import LinearHead
from gan_cli.ranges import Count, LayerCount, Positive

NARROW = 0.1
"""By which initial weights of residual branches are multiplied: blocks begin close to identity."""


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Images [N, C, H, W] in [-1, 1], bicubically enlarged: what needs no learning."""
    return F.interpolate(x, scale_factor=factor, mode="bicubic").clamp(-1.0, 1.0)


class Upscaler(roles.Translator):
    """An image to a larger one of the same content.

    Args:
        channels: C of both.
        scale: how many times larger.

    Raises:
        ValueError: `scale` is no power of two.
    """

    def __init__(self, channels: int, scale: int) -> None:
        super().__init__()
        if scale < 2 or scale & (scale - 1):
            raise ValueError(f"scale={scale}: images are doubled, choose 2, 4 or 8")
        self.in_channels = self.out_channels = channels
        self.scale = scale


class SRResNet(Upscaler):
    """Residual blocks at the small size, doublings by pixel shuffle, on a bilinear enlargement.

    Args:
        channels: C of the images.
        scale: how many times larger they become; a power of two.
        width: channels inside.
        blocks: residual blocks: two convolutions with ReLU between them, beside the identity.
    """

    def __init__(
        self, channels: Count, scale: Count = 4, width: Count = 64, blocks: LayerCount = 16
    ) -> None:
        super().__init__(channels, scale)
        self.first = _conv(channels, width)
        self.body = nn.Sequential(*(PlainResidual(width) for _ in range(blocks)))
        doublings: list[nn.Module] = []
        for _ in range(int(math.log2(scale))):
            doublings += [
                _conv(width, 4 * width),
                nn.PixelShuffle(2),
                nn.LeakyReLU(0.1, inplace=True),
            ]
        self.up = nn.Sequential(*doublings)
        self.last = nn.Sequential(
            _conv(width, width), nn.LeakyReLU(0.1, inplace=True), _conv(width, channels)
        )
        init_narrow(self)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, scale H, scale W]; about [-1, 1], nothing holds it there."""
        found = self.up(self.body(F.leaky_relu(self.first(x), 0.1)))
        base = F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return self.last(found) + base


class PlainResidual(nn.Module):
    """Two 3x3 convolutions with ReLU between them, beside the identity; no normalisation.

    Args:
        channels: of what comes in and goes out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _conv(channels, channels), nn.ReLU(inplace=True), _conv(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        return x + self.residual(x)


class RRDBNet(Upscaler):
    """Residual blocks of residual dense blocks at the small size, then nearest doublings.

    Args:
        channels: C of the images.
        scale: how many times larger they become; a power of two.
        width: channels between blocks.
        growth: channels that each convolution of a dense block adds.
        blocks: of three dense blocks each; 23 in the paper.
    """

    def __init__(
        self,
        channels: Count,
        scale: Count = 4,
        width: Count = 64,
        growth: Count = 32,
        blocks: LayerCount = 23,
    ) -> None:
        super().__init__(channels, scale)
        self.first = _conv(channels, width)
        self.body = nn.Sequential(
            *(ResidualInResidual(width, growth) for _ in range(blocks)), _conv(width, width)
        )
        doublings: list[nn.Module] = []
        for _ in range(int(math.log2(scale))):
            doublings += [
                nn.Upsample(scale_factor=2),
                _conv(width, width),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.up = nn.Sequential(*doublings)
        self.last = nn.Sequential(
            _conv(width, width), nn.LeakyReLU(0.2, inplace=True), _conv(width, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, scale H, scale W]; about [-1, 1], nothing holds it there."""
        x = self.first(x)
        return self.last(self.up(x + self.body(x)))


class ResidualInResidual(nn.Module):
    """Three dense blocks, whose sum with the identity counts a fifth (ESRGAN, section 3.1).

    Args:
        channels: of what comes in and goes out.
        growth: see `DenseBlock`.
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*(DenseBlock(channels, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        return x + 0.2 * self.body(x)


class DenseBlock(nn.Module):
    """Five convolutions, each reading what all before it gave; a fifth of the last is added.

    Args:
        channels: of what comes in and goes out.
        growth: channels of each of the first four.
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        sizes = [channels + n * growth for n in range(5)]
        self.convolutions = nn.ModuleList(_conv(size, growth) for size in sizes[:-1])
        self.out = _conv(sizes[-1], channels)
        init_narrow(self)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        seen = [x]
        for convolution in self.convolutions:
            seen.append(F.leaky_relu(convolution(torch.cat(seen, 1)), 0.2))
        return x + 0.2 * self.out(torch.cat(seen, 1))


class Discriminator(roles.Discriminator):
    """As VGG: two convolutions a size, the second of stride 2, down to 4 to 7 pixels; 100 units.

    BatchNorm after all but the first; LeakyReLU 0.2.

    Args:
        image_size: H = W of the large images, such as 128: 4 to 7 doubled a few times.
        channels: C of the images.
        width: channels at the full size, doubled with every halving up to eightfold.

    Raises:
        ValueError: `image_size` cannot be halved down to 4 to 7 pixels.
    """

    def __init__(self, image_size: Count, channels: Count, width: Count = 64) -> None:
        base, halvings = layers.doublings(image_size)
        sizes = layers.widths(width, halvings, 8 * width)
        body: list[nn.Module] = []
        before = channels
        for size in sizes:
            for size_in, kernel, stride in ((before, 3, 1), (size, 4, 2)):
                norm = bool(body)
                body.append(Convolution(size_in, size, kernel, stride, 1, bias=not norm))
                body += (
                    [nn.BatchNorm2d(size), nn.LeakyReLU(0.2, inplace=True)]
                    if norm
                    else [nn.LeakyReLU(0.2, inplace=True)]
                )
            before = size
        body += [nn.Flatten(), nn.Linear(before * base**2, 100), nn.LeakyReLU(0.2, inplace=True)]
        super().__init__(body=nn.Sequential(*body), head=LinearHead(100), n_classes=0)


def _conv(size_in: int, size_out: int) -> nn.Conv2d:
    return Convolution(size_in, size_out, 3, padding=1)


def init_narrow(network: nn.Module, factor: Positive = NARROW) -> None:
    """Draw weights from He's normal distribution times a factor, zero biases (ESRGAN, 3.1)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            with torch.no_grad():
                layer.weight.mul_(factor)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
