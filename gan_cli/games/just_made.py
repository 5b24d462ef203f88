"""What one player has made in its turn and another is shown in its own."""

from torch import Tensor

from gan_cli.tricks.examples import Progress


class JustMade:
    """Handed on in order, as a turn may be played in several parts, and forgotten with the step."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, Tensor]] = []
        self._moment: Progress | None = None

    def put(self, made: dict[str, Tensor], progress: Progress) -> None:
        """Hand on what was made of a part of the batch."""
        moment = progress._replace(phase="whole")
        if moment != self._moment:
            self._waiting, self._moment = [], moment
        self._waiting.append({name: x.detach() for name, x in made.items()})

    def take(self) -> dict[str, Tensor]:
        """What was made of the same part, without a graph."""
        return self._waiting.pop(0)
