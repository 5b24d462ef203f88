"""In which order samples are drawn, and how many at a time."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_cli import randomness


class Order:
    """Sample k is row perm_(k // size)[k % size]: each epoch has a permutation of its own.

    A function of (seed, group, k) alone, so nothing needs saving, no row is ever dropped, a batch
    may span two epochs, and another batch size goes on in the same order.

    Args:
        size: how many rows.
        seed: decides the order.
        device: where indices are wanted.
        group: groups of one dataset are drawn independently of each other.
    """

    def __init__(self, size: int, seed: int, device: torch.device, group: str = "") -> None:
        self._size, self._device = size, device
        self._key: tuple[int | str, ...] = ("order", *([group] if group else []), seed)
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
            draw = randomness.generator(*self._key, epoch)
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
        batch_size: samples a batch.
        device: where batches are wanted.
        seed: decides the order.
        flip: mirror left to right with probability 1/2, all images of a sample's group together,
            drawn from torch's global generator, which training seeds anew for every step.
        jitter: pixels by which images are enlarged before they are cut to their size again, at a
            random place, likewise.
        rank, ranks: which of so many equal shares of each batch is drawn here.
    """

    batch_size: int
    device: torch.device
    seed: int
    flip: bool = False
    jitter: int = 0
    rank: int = 0
    ranks: int = 1

    @property
    def share(self) -> int:
        """Samples of each batch that are drawn here."""
        return self.batch_size // self.ranks

    def begin(self, position: int) -> int:
        """Where the share of the batch at `position` begins."""
        return position + self.rank * self.share
