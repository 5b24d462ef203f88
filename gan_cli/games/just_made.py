"""What one player has made in its turn and another is shown in its own."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gan_cli.networks.modes import learning
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


class MadeOnce:
    """What G makes in D's turn, with a graph that its own turn goes on with: asked once a step.

    Args:
        make: a method of the game, what G makes of samples, and of what else it is given: tensors,
            of which the last depends on its weights.
    """

    def __init__(self, make: Callable[..., tuple[Tensor, ...]]) -> None:
        self._make = make
        self._learns: Sequence[Tensor] = ()
        self._in_parts = False
        self.forget()

    def meet(self, optimizer: torch.optim.Optimizer) -> None:
        """G's weights, those that learn."""
        self._learns = [p for group in optimizer.param_groups for p in group["params"]]

    def forget(self) -> None:
        """A step begins."""
        self._last: tuple[Tensor, tuple[Tensor, ...]] | None = None

    def put(self, samples: Tensor, *given: Tensor | None) -> tuple[Tensor, ...]:
        """Made in D's turn, in which G's weights are at rest."""
        self._last = None  # not two graphs at once
        if self._in_parts:
            return self._make(samples, *given)
        with learning(self._learns):
            made = self._make(samples, *given)
        self._last = samples, made
        return made

    def take(self, samples: Tensor, *given: Tensor | None) -> tuple[Tensor, ...]:
        """What was made of these very samples in D's turn, or is made now.

        Of other samples where turns are played in parts: no graph is made in vain from then on.
        """
        last, self._last = self._last, None
        self._in_parts |= last is not None and last[0] is not samples
        if last is not None and last[0] is samples and last[1][-1].requires_grad:
            return last[1]
        del last
        return self._make(samples, *given)
