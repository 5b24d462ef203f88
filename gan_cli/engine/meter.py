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
        values = {name: value.detach().float() for name, value in scalars.items()}
        known = [name for name in values if name in self._sums]
        if known:  # one kernel on a GPU
            torch._foreach_add_([self._sums[n] for n in known], [values[n] for n in known])
        for name, value in values.items():
            if name not in self._sums:
                self._sums[name] = value.clone()
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
