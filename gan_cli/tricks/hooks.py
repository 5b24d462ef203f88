"""Tricks around the optimizer's step."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from gan_cli.ranges import Positive
from gan_cli.tricks.base import Side, StepHook


class GradientClipping(StepHook):
    """Gradients scaled down where their norm exceeds a limit (Pascanu et al. 2013, algorithm 1).

    The curve grad_norm/ shows them as they were.

    Args:
        max_norm: largest L2 norm of all of a network's gradients together.
        sides: whose gradients.
    """

    def __init__(
        self, max_norm: Positive = 1.0, sides: Sequence[Side] = ("discriminator", "generator")
    ) -> None:
        super().__init__()
        self.max_norm, self.sides = max_norm, sides

    def before_step(self, network: nn.Module) -> None:
        """Scale the gradients."""
        clip_grad_norm_(network.parameters(), self.max_norm)


class WeightClipping(StepHook):
    """All of D's weights held in a box, which bounds its slope (Arjovsky et al. 2017, algorithm 1).

    Args:
        limit: weights lie in [-limit, limit].
    """

    sides = ("discriminator",)

    def __init__(self, limit: Positive = 0.01) -> None:
        super().__init__()
        self.limit = limit

    @torch.no_grad()
    def after_step(self, network: nn.Module) -> None:
        """Clip the weights."""
        for p in network.parameters():
            p.clamp_(-self.limit, self.limit)
