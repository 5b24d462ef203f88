"""Dropout whose mask does not take longer than the layer before it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def drop(x: Tensor, p: float, training: bool) -> Tensor:
    """`F.dropout` (Srivastava et al. 2014), on a CPU by uniform random numbers.

    torch draws Bernoulli numbers there in three times the time: 4 % of a step of a small fully
    connected GAN more. Elsewhere, and where nothing or all is dropped, it is torch's own.

    Args:
        x: of any shape.
        p: the probability of each number to become 0; the others are divided by 1 - p.
        training: whether anything is dropped.
    """
    if not training or x.device.type != "cpu" or p in (0.0, 1.0):
        return F.dropout(x, p, training)
    # bfloat16 has too few digits for a probability
    kept = torch.rand_like(x, dtype=torch.float32).ge_(p).mul_(1.0 / (1.0 - p))
    return x * kept.to(x.dtype)


class UniformDropout(nn.Dropout):
    """`drop` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop numbers of x, of any shape, in training."""
        return drop(x, self.p, self.training)
