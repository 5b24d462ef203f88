"""What the training loop asks of the parts it works with."""

from collections.abc import Mapping
from typing import Protocol

from gan_cli.data.fields import Batch
from gan_cli.tricks.examples import Progress


class Probe(Protocol):
    """Looks at the run from time to time and adds to its report; training goes on as without it."""

    def due(self, step: int, last: bool) -> bool:
        """Whether to look after `step`."""

    def measure(
        self, progress: Progress, batch: Batch, report: Mapping[str, float]
    ) -> dict[str, float]:
        """Scalars by name.

        Args:
            progress: how far the run is.
            batch: the last real samples.
            report: what is known of this step so far.
        """
