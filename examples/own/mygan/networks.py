"""Networks: a generator and a discriminator."""

from torch import Tensor, nn

from gan_cli.networks import roles
from gan_cli.networks.heads import LinearHead
from gan_cli.ranges import Count


class Generator(roles.Generator):
    """Nearest-neighbour upsampling and convolutions, which leave no checkerboard (Odena 2016).

    Args:
        latent_dim: length of z.
        image_size: H = W of the images, divisible by 4.
        channels: C of the images.
        width: channels of every hidden layer.

    Raises:
        ValueError: `image_size` is not divisible by 4.
    """

    def __init__(
        self, latent_dim: Count, image_size: Count, channels: Count, width: Count = 64
    ) -> None:
        super().__init__()
        if image_size % 4:
            raise ValueError(f"image_size={image_size}: should be divisible by 4")
        self.latent_dim, self.n_classes = latent_dim, 0
        base = image_size // 4
        layers: list[nn.Module] = [
            nn.Linear(latent_dim, width * base**2),
            nn.Unflatten(1, (width, base, base)),
        ]
        for _ in range(2):
            layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.Upsample(scale_factor=2)]
            layers += [nn.Conv2d(width, width, 3, padding=1)]
        layers += [nn.ReLU(), nn.Conv2d(width, channels, 3, padding=1), nn.Tanh()]
        self.body = nn.Sequential(*layers)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [N, latent_dim] -> images [N, C, H, W] in [-1, 1]; labels change nothing."""
        return self.body(z)


class Discriminator(roles.Discriminator):
    """Convolutions, mean pooling and a linear head: any image size.

    Args:
        channels: C of the images.
        width: channels of the first layer, doubled by the next two.
    """

    def __init__(self, channels: Count, width: Count = 32) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in (channels, width), (width, 2 * width), (2 * width, 4 * width):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())  # -> [N, 4 width]
        super().__init__(body, LinearHead(4 * width), n_classes=0)
