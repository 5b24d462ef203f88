"""What the training loop asks of the parts it plays with."""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from gan_cli.games.two_player import Turn
from gan_cli.tricks.base import Side
from gan_cli.tricks.examples import Progress

Batch = tuple[Tensor, Tensor | None]
"""Real pictures [N, C, H, W] and labels [N] or None."""


class Batches(Protocol):
    """An endless stream of real pictures."""

    size: int
    position: int

    def next(self) -> Batch:
        """The next batch."""

    def seek(self, position: int) -> None:
        """Go to the place where `position` pictures have been drawn."""


class Objective(Protocol):
    """A game: what each side's loss is."""

    def losses(self, side: Side, x: Tensor, y: Tensor | None, progress: Progress) -> Turn:
        """Named scalars for one turn."""

    def state_dict(self) -> dict[str, Any]:
        """Networks and everything tricks remember."""

    def load_state_dict(self, state: Mapping[str, Any]) -> Any:
        """Take back what `state_dict` gave."""


class Probe(Protocol):
    """Looks at the run from time to time and adds to its report; training goes on as without it."""

    def due(self, step: int, last: bool) -> bool:
        """Whether to look after `step`."""

    def measure(
        self, progress: Progress, x: Tensor, y: Tensor | None, report: Mapping[str, float]
    ) -> dict[str, float]:
        """Scalars by name.

        Args:
            progress: how far the run is.
            x: the last real pictures, [N, C, H, W].
            y: their labels [N], or None.
            report: what is known of this step so far.
        """
