"""Tricks on the fakes of D's turn."""

import torch
from torch import Tensor

from gan_cli.ranges import Count, Share
from gan_cli.tricks.base import Pool


class ExperienceReplay(Pool):
    """Part of D's fakes come from a store of past ones, so D does not forget what G once made.

    Shrivastava et al. 2017, section 2.3. A full store gives random places to new fakes.

    Args:
        size: pictures in the store.
        share: of each batch that is drawn from the store, in [0, 1].
    """

    pictures: Tensor
    labels: Tensor

    def __init__(self, size: Count = 1024, share: Share = 0.5) -> None:
        super().__init__()
        self.size, self.share = size, share
        self.filled = 0

    def attach(self, shape: tuple[int, ...]) -> None:
        """Make an empty store for pictures of `shape` = (C, H, W)."""
        self.register_buffer("pictures", torch.zeros(self.size, *shape))
        self.register_buffer("labels", torch.zeros(self.size, dtype=torch.long))

    # `filled` is known on the host, so reading it never waits for the device.
    def get_extra_state(self) -> int:
        """What the buffers do not hold, for the checkpoint."""
        return self.filled

    def set_extra_state(self, state: int) -> None:
        """Take back what `get_extra_state` gave."""
        self.filled = state

    @torch.no_grad()
    def forward(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Exchange the last `share` of the batch for stored fakes, then store this batch's."""
        old_x, old_y = x, y
        if self.filled:
            kept = len(x) - round(len(x) * self.share)
            slots = torch.randint(self.filled, (len(x) - kept,), device=x.device)
            old_x = torch.cat([x[:kept], self.pictures[slots].to(x.dtype)])
            old_y = None if y is None else torch.cat([y[:kept], self.labels[slots]])
        self._store(x, y)
        return old_x, old_y

    def _store(self, x: Tensor, y: Tensor | None) -> None:
        """Fill the store in order; once it is full, overwrite random places."""
        n = min(len(x), self.size)
        if self.filled < self.size:
            n = min(n, self.size - self.filled)
            places = torch.arange(self.filled, self.filled + n, device=x.device)
            self.filled += n
        else:
            places = torch.randperm(self.size, device=x.device)[:n]
        self.pictures[places] = x[:n].to(self.pictures.dtype)
        if y is not None:
            self.labels[places] = y[:n]
