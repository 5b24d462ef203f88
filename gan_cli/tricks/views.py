"""Tricks on every picture D sees."""

from typing import Literal

import torch
from torch import Tensor

from gan_cli.exchange import Progress
from gan_cli.ranges import NonNegative, Share
from gan_cli.tricks.places import View


class InstanceNoise(View):
    """Gaussian noise on real and fake before D (Sonderby et al. 2017; Arjovsky & Bottou 2017).

    Args:
        std: standard deviation at the start; pictures span [-1, 1].
        decay: factor per epoch of the exponential form, in [0, 1].
        schedule: `exponential` by epoch, or `linear` down to zero at the end of the run.
    """

    def __init__(
        self,
        std: NonNegative = 0.1,
        decay: Share = 0.95,
        schedule: Literal["exponential", "linear"] = "exponential",
    ) -> None:
        super().__init__()
        self.std, self.decay, self.schedule = std, decay, schedule

    def level(self, progress: Progress) -> float:
        """The standard deviation now."""
        if self.schedule == "linear":
            return self.std * (1.0 - progress.done)
        return float(self.std * self.decay**progress.epoch)

    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        """Add fresh noise to each picture."""
        return x + self.level(progress) * torch.randn_like(x)
