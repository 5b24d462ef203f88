"""What lies beyond the edges: the inside, mirrored.

torch's own padding sums up gradients on a GPU in no fixed order, so that a resumed run would drift
from an unbroken one. There it is put together from flipped slices, which are summed in order.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Reflect(nn.Module):
    """Mirrors images beyond all four edges.

    Args:
        size: pixels at each edge; fewer than the image has.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H + 2 size, W + 2 size]."""
        if x.device.type != "cuda":
            return F.pad(x, [self.size] * 4, mode="reflect")
        across = _from_slices(x, self.size, self.size, 3)
        return _from_slices(across, self.size, self.size, 2)


def reflect(x: Tensor, before: int, after: int) -> Tensor:
    """Mirrors samples beyond both ends: [N, C, T] -> [N, C, before + T + after]."""
    if x.device.type != "cuda":
        return F.pad(x, (before, after), mode="reflect")
    return _from_slices(x, before, after, 2)


def _from_slices(x: Tensor, before: int, after: int, dim: int) -> Tensor:
    parts = [x]
    if before:
        parts.insert(0, x.narrow(dim, 1, before).flip(dim))
    if after:
        parts.append(x.narrow(dim, x.shape[dim] - 1 - after, after).flip(dim))
    return torch.cat(parts, dim)
