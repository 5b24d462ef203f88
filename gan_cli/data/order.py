"""In which order pictures are drawn, and how many at a time."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_cli import randomness


class Order:
    """Sample k is picture perm_(k // size)[k % size]: each epoch has a permutation of its own.

    A function of (seed, k) alone, so nothing needs saving, no picture is ever dropped, a batch may
    span two epochs, and another batch size or number of processes goes on in the same order.
    """

    def __init__(self, size: int, seed: int, device: torch.device) -> None:
        self._size, self._seed, self._device = size, seed, device
        self._epoch, self._permutation = -1, torch.empty(0)

    def take(self, start: int, count: int) -> Tensor:
        """Indices of the samples start .. start + count - 1, int64 [count], on the device."""
        end = start + count
        parts = [
            self._permuted(epoch)[max(start - epoch * self._size, 0) : end - epoch * self._size]
            for epoch in range(start // self._size, (end - 1) // self._size + 1)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _permuted(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            draw = randomness.generator("order", self._seed, epoch)
            permutation = torch.randperm(self._size, generator=draw)
            if self._device.type == "cuda":
                permutation = permutation.pin_memory()  # else the copy waits for the device
            self._permutation = permutation.to(self._device, non_blocking=True)
            self._epoch = epoch
        return self._permutation


@dataclass(frozen=True)
class Draw:
    """How batches are drawn.

    Attributes:
        batch_size: pictures a batch, in each process.
        device: where batches are wanted.
        seed: decides the order; the same in all processes.
        flip: mirror each picture left to right with probability 1/2, drawn from torch's global
            generator, which training seeds anew for every step.
        rank, ranks: which of how many processes this is; each takes its part of one order.
    """

    batch_size: int
    device: torch.device
    seed: int
    flip: bool = False
    rank: int = 0
    ranks: int = 1

    @property
    def stride(self) -> int:
        """Samples that all processes together draw at a time."""
        return self.batch_size * self.ranks

    def start(self, position: int) -> int:
        """The first sample of this process's part, `position` having been drawn by all."""
        return position + self.rank * self.batch_size
