"""In which order samples are drawn, and how many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.errors import UserError


class Order:
    """Sample k is row perm_(k // size)[k % size]: each epoch has a permutation of its own.

    A function of (seed, group, k) alone, so nothing needs saving, no row is ever dropped, a batch
    may span two epochs, and another batch size goes on in the same order. Rows may lie in runs, as
    those of a shard do: then runs come in random order, and the rows of each in random order.

    Args:
        size: how many rows.
        seed: decides the order.
        device: where indices are wanted.
        group: groups of one dataset are drawn independently of each other.
        runs: how many rows each run has; none where all are one.
    """

    def __init__(
        self,
        size: int,
        seed: int,
        device: torch.device,
        group: str = "",
        runs: Sequence[int] = (),
    ) -> None:
        self._size, self._device, self._runs = size, device, list(runs)
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
            permutation = self._draw(draw)
            if self._device.type == "cuda":
                permutation = permutation.pin_memory()  # else the copy waits for the device
            self._permutation = permutation.to(self._device, non_blocking=True)
            self._epoch = epoch
        return self._permutation

    def _draw(self, draw: torch.Generator) -> Tensor:
        if not self._runs:
            return torch.randperm(self._size, generator=draw)
        starts = torch.tensor([0, *self._runs]).cumsum(0).tolist()
        runs = torch.randperm(len(self._runs), generator=draw).tolist()
        return torch.cat([starts[n] + torch.randperm(self._runs[n], generator=draw) for n in runs])


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
        runs: of rows that are cheap to read one after another, by group; see `Order`.
    """

    batch_size: int
    device: torch.device
    seed: int
    flip: bool = False
    jitter: int = 0
    rank: int = 0
    ranks: int = 1
    runs: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def share(self) -> int:
        """Samples of each batch that are drawn here."""
        return self.batch_size // self.ranks

    def begin(self, position: int) -> int:
        """Where the share of the batch at `position` begins."""
        return position + self.rank * self.share


def refuse_large_batch(batch_size: int, sizes: Mapping[str, int]) -> None:
    """Raise UserError where a batch is larger than a group of fields, given how many each has."""
    for group, size in sizes.items():
        if batch_size > size:
            where = f"side {group!r} of the dataset" if group else "the dataset"
            raise UserError(
                f"data.batch_size={batch_size}: more than the {size} samples of {where}; "
                f"set data.batch_size={size} or lower, or use more samples (data.limit)"
            )
