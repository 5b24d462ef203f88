"""A running mean of the generator's weights, from which samples are drawn."""

import copy

import torch
from torch import nn

from gan_cli.ranges import Momentum


class EMA(nn.Module):
    """Exponential moving average of a network: theta_ema <- decay theta_ema + (1 - decay) theta.

    Yazici et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training". Buffers
    (BatchNorm statistics) are copied as they are: they are running means already.

    Args:
        decay: weight of the past, in [0, 1). The mean reaches back about 1 / (1 - decay) steps.
        warm_up: let the decay grow as (1 + n) / (10 + n) until it reaches `decay`, so that the
            first, meaningless weights are forgotten at once.
    """

    network: nn.Module

    def __init__(self, decay: Momentum = 0.999, warm_up: bool = True) -> None:
        super().__init__()
        self.decay = decay
        self.warm_up = warm_up

    def attach(self, network: nn.Module) -> None:
        """Begin the mean at the present weights of `network`."""
        self.network = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: nn.Module, updates: int) -> None:
        """Take in `network` after its update number `updates`, counted from zero."""
        decay = min(self.decay, (1 + updates) / (10 + updates)) if self.warm_up else self.decay
        for mean, now in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, 1.0 - decay)
        for kept, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)
