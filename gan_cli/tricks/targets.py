"""Tricks on the targets D learns from."""

from typing import Annotated

import torch
from annotated_types import Ge, Lt
from torch import Tensor

from gan_cli.tricks.base import TargetTrick

Smoothing = Annotated[float, Ge(0), Lt(0.5)]
"""Distance of a target from its end, in [0, 0.5): at 0.5 real and fake could not be told apart."""


class LabelSmoothing(TargetTrick):
    """Targets short of 0 and 1 (Szegedy et al. 2016; one-sided: Salimans et al. 2016, sec. 3.4).

    Args:
        real: real targets become 1 - real.
        fake: fake targets become fake; 0 is the one-sided form.
        random: draw each target uniformly between its end and that value.
    """

    def __init__(self, real: Smoothing = 0.1, fake: Smoothing = 0.0, random: bool = False) -> None:
        super().__init__()
        self.real, self.fake, self.random = real, fake, random

    def forward(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Move the targets towards each other."""
        return self._smooth(real), self._smooth(fake)

    def _smooth(self, target: Tensor) -> Tensor:
        # a real target may have been flipped to 0 before, so each moves from the end where it is
        down, up = (
            move * (torch.rand_like(target) if self.random else 1.0)
            for move in (self.real, self.fake)
        )
        return target * (1.0 - down) + (1.0 - target) * up


class LabelFlipping(TargetTrick):
    """A random part of the targets is swapped, real for fake.

    Args:
        p: the probability of each target to be swapped, in [0, 0.5).
    """

    def __init__(self, p: Smoothing = 0.05) -> None:
        super().__init__()
        self.p = p

    def forward(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Swap targets where a coin says so."""
        return (
            torch.where(torch.rand_like(real) < self.p, 1.0 - real, real),
            torch.where(torch.rand_like(fake) < self.p, 1.0 - fake, fake),
        )
