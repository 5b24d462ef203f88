"""Whole steps as CUDA graphs: recorded once, then replayed wherever they would do the same.

A small network costs a GPU less time than Python takes to say what is to be done; a replay says it
at once. What changes from step to step is kept out of it: batches are drawn before and copied in,
and learning rates are tensors. What else a step asks of the progress (whether a lazy term is due,
what a schedule says, whether D plays yet) is written down with the answer, and a recording stands
in only where all answers are the same again. Random numbers are those of an unrecorded step, since
a replay begins where the device's generator stands.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from gan_cli.data.fields import Batch
from gan_cli.engine.noting import Answers, Noting, Question, fits
from gan_cli.engine.player import Player
from gan_cli.engine.recorder import Recorder
from gan_cli.engine.turns import Taken
from gan_cli.errors import RunFailed, UserError
from gan_cli.games.base import Game
from gan_cli.tricks.examples import Progress

if TYPE_CHECKING:
    from gan_cli.engine.trainer import Trainer

log = logging.getLogger(__name__)

WARM_UP = 3
"""Steps of a kind before it is recorded: the first ones allocate what stays."""
KINDS = 32
"""Kinds of steps that are kept in mind; what never comes back is forgotten."""
PATIENCE = 200
"""Steps after which the log says why none has been recorded."""

Turns = Callable[[Sequence[Batch], Progress], list[Taken]]
"""All turns of a step on its batches."""


@dataclass(eq=False)
class SameSteps:
    """Steps that do the same.

    Attributes:
        answers: what they ask of the progress, and what it says.
        standing: what they read besides tensors: arguments of optimizers that follow schedules,
            numbers that modules have as attributes, and what else they remember.
        count: how many were played without a recording.
        taken, replay: the recording, once there is one.
    """

    answers: Answers
    standing: list[Any]
    count: int = 0
    taken: list[Taken] = field(default_factory=list)
    replay: Callable[[], None] | None = None


class Graphs:
    """Plays steps, from recordings where that can be.

    Args:
        game, players: whose steps.
        recorder: makes recordings.
        required: a run that cannot be recorded ends; otherwise the log says why, once.

    Attributes:
        refused: why this run cannot be recorded, once that is known.
        replays: steps that were replayed.
    """

    def __init__(
        self, game: Game, players: Sequence[Player], recorder: Recorder, required: bool = False
    ) -> None:
        self.game, self.players, self.recorder, self.required = game, players, recorder, required
        self.refused: str | None = None
        self.replays = 0
        self._remembering = [module for module in game.modules() if remembers(module)]
        attributes = [(vars(m), name) for m in game.modules() for name in vars(m)]
        self._plain = [(of, n) for of, n in attributes if isinstance(of[n], int | float | str)]
        self._kinds: list[SameSteps] = []
        self._inputs: list[Batch] = []
        self._patience = PATIENCE
        for player in players:
            player.keep_rates_on(recorder.device)

    def forget(self) -> None:
        """Record anew: what recordings work on lies elsewhere now."""
        self._kinds = []
        self.recorder.begin_anew()

    def play(self, turns: Turns, drawn: Sequence[Batch], progress: Progress) -> list[Taken]:
        """A step; rates and arguments of optimizers are set already.

        Raises:
            RunFailed: recordings are required, and this run cannot be recorded.
        """
        if self.refused is not None:
            return turns(drawn, progress)
        standing = self._standing()
        same = (k for k in self._kinds if k.standing == standing and fits(k.answers, progress))
        kind = next(same, None) or SameSteps({}, standing)
        if kind.count >= WARM_UP and kind.replay is None:
            self._record(kind, turns, drawn, progress)
        if self.refused is not None:
            return turns(drawn, progress)
        if kind.replay is None:
            return self._warm_up(kind, turns, drawn, progress)
        self._fill(drawn)
        kind.replay()
        self.replays += 1
        return kind.taken

    def _warm_up(
        self, kind: SameSteps, turns: Turns, drawn: Sequence[Batch], progress: Progress
    ) -> list[Taken]:
        """A step without a recording; the last before it is watched closely."""
        kind.count += 1
        noting = Noting.of(progress, kind.answers)
        with self.recorder.apart():
            if kind.count < WARM_UP:  # it may never come back
                taken = turns(drawn, noting)
            else:
                taken = self._watch(lambda: turns(drawn, noting))
        self._keep(kind)
        if kind.standing != self._standing():
            kind.count = 0  # it counts something: the next step is of another kind
        if not self.replays and self.refused is None:
            self._lose_patience(kind)
        return taken

    def _watch(self, step: Callable[[], list[Taken]]) -> list[Taken]:
        """A step, and whether it does what a recording could not follow."""
        places, numbers = self._places(), self.recorder.frozen()
        with self.recorder.waits() as waits:
            taken = step()
        if numbers != self.recorder.frozen():
            self._refuse("random numbers are drawn on the CPU")
        elif waits:
            self._refuse(f"the host waits for the device, at {waits[0]}")
        elif places != self._places():
            self._refuse("tensors are exchanged, not changed")
        return taken

    def _keep(self, kind: SameSteps) -> None:
        """Keep a kind in mind, and forget those that have not come back for long."""
        self._kinds = [kind, *(k for k in self._kinds if k is not kind)]
        unrecorded = [k for k in self._kinds if k.replay is None]
        self._kinds = [k for k in self._kinds if k not in unrecorded[KINDS:]]

    def _record(
        self, kind: SameSteps, turns: Turns, drawn: Sequence[Batch], progress: Progress
    ) -> None:
        if not self._inputs:
            self._inputs = [{name: x.clone() for name, x in batch.items()} for batch in drawn]
        try:
            kind.taken, kind.replay = self.recorder.record(
                lambda: turns(self._inputs, Noting.of(progress, {}))
            )
        except RuntimeError as error:
            self._refuse(str(error).partition("\n")[0])

    def _fill(self, drawn: Sequence[Batch]) -> None:
        """Put the batches where recordings read them."""
        for place, batch in zip(self._inputs, drawn, strict=True):
            torch._foreach_copy_([*place.values()], [batch[name] for name in place])

    def _standing(self) -> list[Any]:
        moved = [player.moved for player in self.players]
        remembered = [module.get_extra_state() for module in self._remembering]
        return [*moved, *remembered, *(of[name] for of, name in self._plain)]

    def _places(self) -> list[int]:
        """Where all lies that a step works on and leaves changed."""
        memories = [memory for p in self.players for memory in p.optimizer.state.values()]
        remembered = [x for memory in memories for x in memory.values() if isinstance(x, Tensor)]
        lasting = [*self.game.parameters(), *self.game.buffers(), *remembered]
        return [x.data_ptr() for x in lasting]

    def _lose_patience(self, latest: SameSteps) -> None:
        self._patience -= 1
        if not self._patience:
            asked = ", ".join(sorted({_named(question) for question in latest.answers}))
            self._say(f"none yet, since no step does what another did ({asked or 'it counts'})")

    def _refuse(self, reason: str) -> None:
        self.refused = reason
        self.forget()
        self._say(f"none, since {reason}")

    def _say(self, what: str) -> None:
        if self.required:
            raise RunFailed(f"trainer.graphs=on: {what}; set trainer.graphs=auto")
        log.info("CUDA graphs: %s", what)


def graphs_for(trainer: "Trainer", mode: Literal["auto", "on", "off"]) -> Graphs | None:
    """What plays a trainer's steps as graphs, where that is wanted and can be.

    Raises:
        UserError: it is required and cannot be.
    """
    if mode == "off" or (mode == "auto" and trainer.device.type != "cuda"):
        return None
    reason = why_never(trainer)
    if reason is None:
        return Graphs(trainer.game, trainer.players, Recorder(trainer.device), mode == "on")
    if mode == "on":
        raise UserError(f"trainer.graphs=on: {reason}; set trainer.graphs=auto")
    log.info("CUDA graphs: none, since %s", reason)
    return None


def why_never(trainer: "Trainer") -> str | None:
    """Why no step of a run can be recorded, as far as that is known before the first."""
    if trainer.device.type != "cuda":
        return f"{trainer.device} has none"
    if trainer.ranks.size > 1:
        return "several processes wait for each other in every step"
    if trainer.on_nan == "skip":
        return "trainer.on_nan=skip looks at every turn"
    for player in trainer.players:
        if not player.fused:
            what = type(player.optimizer).__name__
            return f"{what}, the optimizer of the {player.name}, has no fused kernel"
    for name, module in trainer.game.named_modules():
        if remembers(module) and not isinstance(module.get_extra_state(), int | float | str):
            return f"{name} ({type(module).__name__}) remembers more than tensors and a number"
    return None


def remembers(module: nn.Module) -> bool:
    """Whether a module has a state besides tensors."""
    return type(module).get_extra_state is not nn.Module.get_extra_state


def _named(question: Question) -> str:
    name, argument = question
    if name == "value_of":
        return type(argument).__name__
    return name if argument is None else f"{name} {argument}"
