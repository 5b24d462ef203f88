"""What one player has made in its turn and another is shown in its own."""

from torch import Tensor

from gan_cli.tricks.examples import Progress


class JustMade:
    """Handed on in order, as a turn may be played in several parts, and forgotten with the step.

    Each phase of a turn makes all parts anew, and reads all parts that were made last.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """A step begins, and nothing is made yet, whatever became of the step before."""
        self._parts: list[dict[str, Tensor]] = []
        self._made_in = self._taken_in = ""
        self._next = 0

    def put(self, made: dict[str, Tensor], progress: Progress) -> None:
        """Hand on what was made of a part of the batch."""
        if progress.phase != self._made_in:
            self._parts, self._made_in = [], progress.phase
        self._parts.append({name: x.detach() for name, x in made.items()})

    def take(self, progress: Progress) -> dict[str, Tensor]:
        """What was made of the same part, without a graph."""
        if progress.phase != self._taken_in:
            self._next, self._taken_in = 0, progress.phase
        self._next += 1
        return self._parts[self._next - 1]
