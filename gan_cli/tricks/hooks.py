"""Tricks around the optimizer's step."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from gan_cli.ranges import Positive
from gan_cli.tricks.base import StepHook


class GradientClipping(StepHook):
    """Gradients scaled down where their norm exceeds a limit (Pascanu et al. 2013, algorithm 1).

    The curve grad_norm/ shows them as they were.

    Args:
        max_norm: largest L2 norm of all of a player's gradients together.
    """

    def __init__(self, max_norm: Positive = 1.0) -> None:
        super().__init__()
        self.max_norm = max_norm

    def before_step(self, parameters: Sequence[nn.Parameter]) -> None:
        """Scale the gradients."""
        clip_grad_norm_(parameters, self.max_norm)


class WeightClipping(StepHook):
    """All of D's weights held in a box, which bounds its gradients (WGAN, Arjovsky et al. 2017).

    Args:
        limit: weights lie in [-limit, limit].
    """

    place = "adversary"

    def __init__(self, limit: Positive = 0.01) -> None:
        super().__init__()
        self.limit = limit

    @torch.no_grad()
    def after_step(self, parameters: Sequence[nn.Parameter]) -> None:
        """Clip the weights, but for frozen ones."""
        for p in (p for p in parameters if p.requires_grad):
            p.clamp_(-self.limit, self.limit)
