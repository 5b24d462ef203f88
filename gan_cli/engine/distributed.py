"""What the training loop asks of the processes that train one game together.

All of them hold the same weights, since all take the same steps: gradients are means over the
ranks. Here stands the process that is alone, for which there is nothing to do; several are in
`joined.py`.
"""

import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor, nn

from gan_cli.engine.interrupts import Interrupts
from gan_cli.errors import UserError
from gan_cli.games.base import Losses


class Ranks:
    """One process alone: nothing is exchanged, and nothing costs anything.

    Attributes:
        rank: of this process, from 0.
        size: how many processes there are.
        local: number of this process on its machine.
        local_size: how many there are on its machine.
    """

    rank, size, local, local_size = 0, 1, 0, 1

    @property
    def leads(self) -> bool:
        """Whether this process looks at the run, writes and speaks."""
        return self.rank == 0

    def until_ready(self) -> AbstractContextManager[None]:
        """Inside, what fails on one rank before all are `ready` fails on all of them."""
        return nullcontext()

    def ready(self, weights: Sequence[Tensor]) -> None:
        """Wait until all are, and take the weights of rank 0."""

    def agreed(self, interrupts: Interrupts) -> AbstractContextManager[None]:
        """The begin of a step: what fails inside on one rank fails on all of them.

        Args:
            interrupts: what signals have asked of this process; all hear of it.
        """
        return nullcontext()

    def average(
        self, parameters: Sequence[nn.Parameter], losses: Losses, total: Tensor
    ) -> tuple[Losses, Tensor]:
        """Gradients, losses and their sum become means over all ranks, in one all-reduce.

        Which parameters have a gradient, and which losses there are, is the same on all ranks.
        """
        return losses, total

    def stop(self, interrupts: Interrupts) -> signal.Signals | None:
        """The signal by which all stop after this step."""
        return interrupts.stop

    def elapsed(self, seconds: float) -> float:
        """What a step that took this process so long counts for all."""
        return seconds

    def waited(self, seconds: float) -> float:
        """What this process's wait for its device, after a step, counts for all by now."""
        return seconds

    def end_step(self) -> None:
        """All have done the same up to here; now each may do what it likes."""

    def complete(self, state: dict[str, Any], own: Callable[[], Any]) -> dict[str, Any]:
        """A state with what other ranks remember; `own` says what this one does."""
        return state

    def spread(self, state: dict[str, Any]) -> dict[str, Any]:
        """A state that all are to go back to."""
        return state


ALONE = Ranks()


def share_of(batch_size: int, ranks: Ranks, accumulate: int = 1) -> int:
    """Samples that a network sees at once.

    Raises:
        UserError: the batch cannot be parted evenly; says which sizes can.
    """
    parts = ranks.size * accumulate
    if batch_size % parts == 0:
        return batch_size // parts
    among = [f"{ranks.size} processes"] if ranks.size > 1 else []
    among += [f"trainer.accumulate={accumulate}"] if accumulate > 1 else []
    below = batch_size // parts * parts
    sizes = " or ".join(str(size) for size in (below, below + parts) if size)
    raise UserError(
        f"data.batch_size={batch_size}: cannot be parted evenly among {' times '.join(among)}; "
        f"set data.batch_size={sizes}, or another multiple of {parts}"
    )
