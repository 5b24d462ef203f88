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
    """Is a loss finite? Asked before backward, answered after it.

    On CUDA the answer is copied while backward is being queued, so the host waits for the
    forward pass alone and the device never runs dry.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._answer = torch.ones((), dtype=torch.bool)
        if self._cuda:
            self._answer = self._answer.pin_memory()
            self._ready = torch.cuda.Event()

    def watch(self, loss: Tensor) -> None:
        """Note whether the scalar `loss` is finite."""
        finite = torch.isfinite(loss.detach())
        if self._cuda:
            self._answer.copy_(finite, non_blocking=True)
            self._ready.record()
        else:
            self._answer = finite

    def holds(self) -> bool:
        """Whether the last watched loss was finite."""
        if self._cuda:
            self._ready.synchronize()
        return bool(self._answer)
