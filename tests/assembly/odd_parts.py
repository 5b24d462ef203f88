"""Losses and networks that somebody may write, each wrong or unusual in its own way."""

import torch
from torch import Tensor, nn

from gan_cli.games.losses import NonSaturating, Targets
from gan_cli.networks import mlp, roles
from gan_cli.networks.heads import LinearHead


class VectorLoss(NonSaturating):
    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake


class NumberLoss(NonSaturating):
    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> float:  # type: ignore[override]
        return 0.0


class ConstantLoss(NonSaturating):
    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return fake.detach().mean()


class SteepLoss(NonSaturating):
    """From the third turn on finite, and its slope is not."""

    turns = 0

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        SteepLoss.turns += 1
        steep = (fake - fake.detach()).abs().sqrt().mean()
        return super().generator(fake, real) + (steep if SteepLoss.turns > 3 else 0.0)


class Wide(mlp.Generator):
    """Makes images one pixel wider than they should be."""

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return nn.functional.pad(super().forward(z, y), (0, 1))


class Broken(mlp.Discriminator):
    """Raises whatever `error` names."""

    def __init__(self, image_size: int, channels: int, error: str = "KeyError") -> None:
        super().__init__(image_size, channels, hidden=[4])
        self.error = error

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        kinds = {"ZeroDivisionError": ZeroDivisionError, "Exception": Exception}
        kinds |= {"AttributeError": AttributeError, "MemoryError": MemoryError}
        raise kinds.get(self.error, KeyError)("of my\nown")


class Eager(mlp.Discriminator):
    """Looks at its weights while it is built, as one that loads a file might."""

    def __init__(self, image_size: int, channels: int) -> None:
        super().__init__(image_size, channels, hidden=[4])
        self.start = self.head.linear.weight.sum().item()  # type: ignore[union-attr]


class PartlyFrozen(roles.Discriminator):
    """Its first layer does not learn."""

    def __init__(self, image_size: int, channels: int) -> None:
        frozen = nn.Linear(channels * image_size**2, 4)
        nn.init.ones_(frozen.weight)
        frozen.requires_grad_(False)
        body = nn.Sequential(nn.Flatten(), frozen, nn.Tanh(), nn.Linear(4, 4))
        super().__init__(body, LinearHead(4), 0)


class Counting(mlp.Discriminator):
    """Remembers in a buffer how often it was asked, and draws random numbers."""

    def __init__(self, image_size: int, channels: int) -> None:
        super().__init__(image_size, channels, hidden=[4])
        self.register_buffer("asked", torch.zeros(()))

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.asked += 1
        return super().forward(x + 0.1 * torch.randn_like(x), y)
