"""Tricks on the fakes of D's turn."""

import torch
from torch import Tensor

from gan_cli.ranges import Count, Probability
from gan_cli.tricks.base import Pool


class ExperienceReplay(Pool):
    """Part of D's fakes come from a store of past ones, so D does not forget what G once made.

    Shrivastava et al. 2017, section 2.3. A full store gives random places to new fakes.

    Args:
        size: images in the store.
        p: probability of each fake to be exchanged for one from the store, in [0, 1].
    """

    images: Tensor
    labels: Tensor

    def __init__(self, size: Count = 1024, p: Probability = 0.5) -> None:
        super().__init__()
        self.size, self.p = size, p
        self.filled = 0

    def attach(self, shape: tuple[int, ...]) -> None:
        """Make an empty store for images of `shape` = (C, H, W)."""
        self.register_buffer("images", torch.zeros(self.size, *shape))
        self.register_buffer("labels", torch.zeros(self.size, dtype=torch.long))

    # `filled` is known on the host, so reading it never waits for the device.
    def get_extra_state(self) -> int:
        """What the buffers do not hold, for the checkpoint."""
        return self.filled

    def set_extra_state(self, state: int) -> None:
        """Take back what `get_extra_state` gave."""
        self.filled = state

    @torch.no_grad()
    def forward(self, x: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Exchange each fake with probability `p` for a stored one, then store this batch's."""
        old_x, old_label = x, label
        if self.filled:
            old = torch.rand(len(x), device=x.device) < self.p
            slots = torch.randint(self.filled, (len(x),), device=x.device)
            old_x = torch.where(old[:, None, None, None], self.images[slots].to(x.dtype), x)
            old_label = None if label is None else torch.where(old, self.labels[slots], label)
        self._store(x, label)
        return old_x, old_label

    def _store(self, x: Tensor, label: Tensor | None) -> None:
        """Fill the store in order; once it is full, overwrite random places."""
        n = min(len(x), self.size)
        if self.filled < self.size:
            n = min(n, self.size - self.filled)
            places = torch.arange(self.filled, self.filled + n, device=x.device)
            self.filled += n
        else:
            places = torch.randperm(self.size, device=x.device)[:n]
        new, old = x[:n].to(self.images.dtype), self.images[places]
        finite = new.flatten(1).isfinite().all(1)  # a NaN would come back again and again
        self.images[places] = torch.where(finite[:, None, None, None], new, old)
        if label is not None:
            self.labels[places] = torch.where(finite, label[:n], self.labels[places])
