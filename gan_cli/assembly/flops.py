"""How much arithmetic a training step takes."""

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class Flops(TorchDispatchMode):
    """Counts the floating-point operations of matrix products and convolutions, forward and back.

    With torch's own formulas; torch's own counter follows modules and cannot bear a gradient of a
    gradient.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.count += formula(*args, **(kwargs or {}), out_val=found)
        return found


def count_flops(step: Callable[[], Any]) -> int:
    """The floating-point operations of one call."""
    with Flops() as counter:
        step()
    return counter.count
