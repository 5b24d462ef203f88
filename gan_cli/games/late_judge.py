"""What games share in which one network learns to rebuild images, and D joins later."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan_cli.games.base import Game, PlayerSpec, RealSamples
from gan_cli.networks.perceptual import Perceptual
from gan_cli.tricks.examples import Progress


class LateJudge(Game):
    """G plays alone up to `adversarial_start`, then against D.

    Subclasses set the attributes below in their constructors, and D as the adversary
    `discriminator`.

    Attributes:
        rebuilt: the field that G is to come near to.
        generator: what draws.
        perceptual: compares what was made with what it should be.
        perceptual_weight: of that; 0 leaves it unopened.
        adversarial_start: the step with which D joins.
    """

    rebuilt: ClassVar[str]
    generator: nn.Module
    perceptual: Perceptual
    perceptual_weight: float
    adversarial_start: int

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """G, then D."""
        return {
            "generator": PlayerSpec([self.generator]),
            "discriminator": PlayerSpec([self.adversary("discriminator").network]),
        }

    @property
    def averaged(self) -> Mapping[str, nn.Module]:
        """G."""
        return {"generator": self.generator}

    def meet(self, real: RealSamples, n_classes: int, device: torch.device) -> None:
        """Open the perceptual loss.

        Raises:
            UserError: it cannot be had.
        """
        if self.perceptual_weight:

            def images() -> tuple[Tensor, Tensor | None]:
                data = real()
                return data[self.rebuilt], data.get("label")

            self.perceptual.open(images, n_classes, device)

    def turns(self, player: str, progress: Progress) -> int:
        """D rests at first."""
        return int(player == "generator" or progress.past(self.adversarial_start))
