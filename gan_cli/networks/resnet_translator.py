"""The generator of CycleGAN (Zhu et al. 2017, appendix 7.2; Johnson et al. 2016 before it).

With 9 blocks and RGB it has 11.378M parameters; the authors take 6 blocks at 128x128.
"""

from torch import Tensor, nn

from gan_cli.mirrored import Reflect
from gan_cli.networks import layers, roles
from gan_cli.networks.convolution import Convolution, TransposedConvolution
from gan_cli.ranges import Count, LayerCount, OptionalLayerCount


class ResNetTranslator(roles.Translator):
    """A 7x7 convolution, halvings, residual blocks, doublings, a 7x7 convolution, tanh.

    Borders are reflected, as zeros would leave a frame. Images of any size go through whose sides
    can be halved so often. InstanceNorm has neither gain nor bias; the convolutions before it have
    biases, which it subtracts, as in the authors' code.

    Args:
        in_channels: C of the images that come in.
        out_channels: C of those that go out.
        width: channels behind the first convolution, doubled with every halving.
        blocks: residual blocks, between the halvings and the doublings.
        downsamplings: how often the image is halved.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        width: Count = 64,
        blocks: OptionalLayerCount = 9,
        downsamplings: LayerCount = 2,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        modules: list[nn.Module] = [*_convolution(in_channels, width, 7), *_norm_relu(width)]
        for _ in range(downsamplings):
            down = Convolution(width, 2 * width, 3, stride=2, padding=1)
            modules += [down, *_norm_relu(2 * width)]
            width *= 2
        modules += [ResidualBlock(width) for _ in range(blocks)]
        for _ in range(downsamplings):
            up = TransposedConvolution(width, width // 2, 3, stride=2, padding=1, output_padding=1)
            modules += [up, *_norm_relu(width // 2)]
            width //= 2
        self.body = nn.Sequential(*modules, *_convolution(width, out_channels, 7), nn.Tanh())
        layers.init_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] -> [N, out_channels, H, W] in [-1, 1]."""
        return self.body(x)


class ResidualBlock(nn.Module):
    """Convolution, norm, ReLU, convolution, norm, beside the identity; nothing after their sum.

    Args:
        channels: of what comes in and goes out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_convolution(channels, channels, 3),
            *_norm_relu(channels),
            *_convolution(channels, channels, 3),
            layers.plain_normalization("instance", channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        return x + self.residual(x)


def _convolution(size_in: int, size_out: int, kernel: int) -> list[nn.Module]:
    return [Reflect(kernel // 2), Convolution(size_in, size_out, kernel)]


def _norm_relu(channels: int) -> list[nn.Module]:
    return [layers.plain_normalization("instance", channels), nn.ReLU(inplace=True)]
