"""Reading numbers off the device without making it wait."""

import torch
from torch import Tensor


class Meter:
    """Means of named scalars, summed on the device and fetched together."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, scalars: dict[str, Tensor]) -> None:
        """Take in one value of each scalar."""
        for name, value in scalars.items():
            if name in self._sums:
                self._sums[name] += value.float()
            else:
                self._sums[name] = value.detach().float().clone()
            self._counts[name] = self._counts.get(name, 0) + 1

    def read(self) -> dict[str, float]:
        """The means since the last reading, in one transfer; starts anew."""
        names = sorted(self._sums)
        values = torch.stack([self._sums[name] for name in names]).tolist() if names else []
        means = {
            name: value / self._counts[name] for name, value in zip(names, values, strict=True)
        }
        self._sums, self._counts = {}, {}
        return means


class FiniteCheck:
    """Are a loss and the gradients it gave finite?

    A finite loss can have a gradient that is not: sqrt at 0, a norm that overflows. On CUDA the
    answer is copied while the host goes on queueing; `holds` waits for this copy alone.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._answer = torch.ones((), dtype=torch.bool)
        if self._cuda:
            self._answer = self._answer.pin_memory()
            self._copied = torch.cuda.Event()

    def watch(self, total: Tensor, norm: Tensor) -> None:
        """Note whether both are finite.

        Args:
            total: a player's whole loss, a scalar.
            norm: the total norm of its gradients, a scalar on the same device.
        """
        finite = torch.isfinite(total.detach()) & torch.isfinite(norm.detach())
        if self._cuda:
            self._answer.copy_(finite, non_blocking=True)
            # of the loss's own device, which need not be the current one
            self._copied.record(torch.cuda.current_stream(total.device))
        else:
            self._answer = finite

    def holds(self) -> bool:
        """Whether the last watched loss and norm were finite."""
        if self._cuda:
            self._copied.synchronize()
        return bool(self._answer)
