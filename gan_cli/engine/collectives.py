"""What processes tell each other, in the words of torch.distributed."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, distributed

from gan_cli.errors import NonFinite, RunFailed, UserError
from gan_cli.networks.together import lost


class Dismissed(BaseException):
    """Rank 0 is done, and this process is to end with the same exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@torch.no_grad()
def average_together(tensors: Sequence[Tensor], scalars: Sequence[Tensor]) -> list[Tensor]:
    """Tensors become their means over all ranks, in one all-reduce; returns those of scalars.

    Args:
        tensors: float, of any shapes, the same on all ranks.
        scalars: wherever they are; their means are float32, and on the device of the last.

    Raises:
        RunFailed: a process is lost.
    """
    device = scalars[-1].device
    parts = [*tensors, *(x.to(device, torch.float32) for x in scalars)]
    flat = torch.cat([x.reshape(-1) for x in parts])
    with lost():
        distributed.all_reduce(flat)
    split = flat.div_(distributed.get_world_size()).split([x.numel() for x in parts])
    means = [mean.view(x.shape) for mean, x in zip(split, parts, strict=True)]
    if tensors:
        torch._foreach_copy_(list(tensors), means[: len(tensors)])
    return means[len(tensors) :]


def broadcast(message: Any) -> Any:
    """What rank 0 gives here, on every rank.

    Raises:
        RunFailed: a process is lost.
    """
    box = [message]
    with lost():
        distributed.broadcast_object_list(box, 0)
    return box[0]


def gather(mine: Any) -> list[Any] | None:
    """What each rank gives here, on rank 0.

    Raises:
        RunFailed: a process is lost.
    """
    leads = distributed.get_rank() == 0
    found: list[Any] | None = [None] * distributed.get_world_size() if leads else None
    with lost():
        distributed.gather_object(mine, found, 0)
    return found


def gather_everywhere(mine: Any) -> list[Any]:
    """What each rank gives here, on every rank.

    Raises:
        RunFailed: a process is lost.
    """
    found = [None] * distributed.get_world_size()
    with lost():
        distributed.all_gather_object(found, mine)
    return found


def portable(error: Exception) -> Exception:
    """An error as another process can have it."""
    for kind in (NonFinite, UserError, RunFailed):
        if isinstance(error, kind):
            return kind(*map(str, error.args))
    return RunFailed(f"{type(error).__name__}: {error}")
