"""Sums over the processes that train one game, while all compute the same at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed

from gan_cli.errors import RunFailed

_together = False


def synchronise_now(together: bool) -> None:
    """Say whether all processes compute the same at the same time from here on."""
    global _together
    _together = together


def in_step() -> bool:
    """Whether all processes compute the same at the same time; never where there is but one."""
    return _together


def sum_over_ranks(x: Tensor) -> Tensor:
    """The sum of what all ranks have here, of any shape; x itself where one computes alone.

    As often differentiable as one likes.

    Raises:
        RunFailed: a process is lost.
    """
    return _SumOverRanks.apply(x) if _together else x


class _SumOverRanks(torch.autograd.Function):
    """The sum over all ranks; so is its gradient, since each rank's loss depends on every part."""

    @staticmethod
    def forward(context: object, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        with lost():
            distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        return _SumOverRanks.apply(gradient)


@contextmanager
def lost() -> Iterator[None]:
    """Say it in a line where the others cannot be reached.

    Raises:
        RunFailed: they cannot.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunFailed(
            f"another process of this run has ended ({reason:.120}); what was saved is good"
        ) from error
