"""Several processes that train one game together, each with its share of every batch.

torchrun starts them and tells each its rank. Rank 0 leads: it alone reads the command line, looks
at the run and writes. What must be the same on all of them is agreed on in exchanges of a few
numbers between CPUs, one a step, which wait for no device.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, distributed, nn

from gan_cli.engine.collectives import (
    Dismissed,
    average_together,
    broadcast,
    gather,
    gather_everywhere,
    portable,
)
from gan_cli.engine.distributed import Ranks
from gan_cli.engine.interrupts import Interrupts
from gan_cli.engine.per_rank import add_ranks
from gan_cli.errors import NonFinite, RunFailed, UserError
from gan_cli.games.base import Losses
from gan_cli.networks.together import lost, synchronise_now

LEAVE, LOAD = "leave", "load"


class Joined(Ranks):
    """One of several processes.

    Rank 0 may `call` on the others at any time; they answer when they next come to an exchange.

    Args:
        rank, size, local, local_size: see `Ranks`.

    Attributes:
        answers: what this rank does when rank 0 calls, by name.
        messages: what it has to say; rank 0 gets it with the next exchange.
        keep: how rank 0 lets the run's folder outlive it.
        hear: what rank 0 does with a message: of which rank it is, and its text.
        settled: the error that all ranks know of; who leads says it.
    """

    def __init__(self, rank: int, size: int, local: int = 0, local_size: int = 1) -> None:
        self.rank, self.size, self.local, self.local_size = rank, size, local, local_size
        self.answers: dict[str, Callable[..., Any]] = {}
        self.messages: list[str] = []
        self.keep: Callable[[object], object] = lambda folder: None
        self.hear: Callable[[int, str], None] = lambda rank, text: None
        self.settled: Exception | None = None
        self._called: tuple[Any, ...] | None = None
        self._seconds = self._waited = self._seconds_of_0 = 0.0
        self._stop: signal.Signals | None = None
        self._in_step = self._ready = False

    @contextmanager
    def until_ready(self) -> Iterator[None]:
        """See `Ranks`.

        Raises:
            UserError, RunFailed: what was raised inside, on the first rank where something was.
        """
        self._ready = False
        try:
            yield
        except (UserError, RunFailed) as error:
            if not self._ready and error is not self.settled:
                self._agree(error)
            raise

    def ready(self, weights: Sequence[Tensor]) -> None:
        """See `Ranks`."""
        self._agree()
        self._ready = True
        with lost(), torch.no_grad():
            for weight in weights:
                whole = weight.contiguous()
                distributed.broadcast(whole, 0)
                weight.copy_(whole)

    @contextmanager
    def agreed(self, interrupts: Interrupts) -> Iterator[None]:
        """See `Ranks`. Raises what was raised inside, on the first rank where something was."""
        problem = None
        try:
            yield
        except (UserError, RunFailed) as error:
            problem = error
        self._agree(problem, interrupts)
        self._in_step = True
        synchronise_now(True)

    def average(
        self, parameters: Sequence[nn.Parameter], losses: Losses, total: Tensor
    ) -> tuple[Losses, Tensor]:
        """See `Ranks`."""
        named = {**losses.minimise, **losses.watch}
        gradients = [p.grad for p in parameters if p.grad is not None]
        *means, total = average_together(gradients, [*named.values(), total])
        found = dict(zip(named, means, strict=True))
        return Losses(*({name: found[name] for name in of} for of in losses)), total

    def stop(self, interrupts: Interrupts) -> signal.Signals | None:
        """See `Ranks`: as heard of at the begin of the step."""
        return self._stop

    def elapsed(self, seconds: float) -> float:
        """See `Ranks`: what the step before took rank 0, so that all clocks show the same."""
        self._seconds, self._waited = seconds + self._waited, 0.0
        return self._seconds_of_0

    def waited(self, seconds: float) -> float:
        """See `Ranks`: it counts with the next step."""
        self._waited += seconds
        return 0.0

    def end_step(self) -> None:
        """See `Ranks`."""
        self._in_step = False
        synchronise_now(False)

    def complete(self, state: dict[str, Any], own: Callable[[], Any]) -> dict[str, Any]:
        """See `Ranks`."""
        return add_ranks(state, self.call("remembered", meanwhile=own))

    def spread(self, state: dict[str, Any]) -> dict[str, Any]:
        """See `Ranks`. The others come to it through `NonFinite`, as rank 0 does."""
        self.call(LOAD, state)
        return state

    def received(self) -> dict[str, Any]:
        """The state that rank 0 has spread, on another rank."""
        while self._called is None or self._called[0] != LOAD:
            with suppress(NonFinite):
                self._exchange()
        (_, state), self._called = self._called, None
        return state

    def call(self, name: str, *given: Any, meanwhile: Callable[[], Any] = lambda: None) -> list:
        """Let the others do something too; what came of it on each rank.

        Args:
            name: of their answer.
            given: to it.
            meanwhile: what rank 0 does.

        Raises:
            UserError, RunFailed: it failed on one of them.
        """
        self._exchange(calls=True)
        broadcast((name, *given))
        try:
            mine = meanwhile()
        except Exception as error:  # the others wait for an answer first
            mine = error
        found = gather(mine)
        for answer in found or ():
            if isinstance(answer, Exception):
                raise answer
        return found or []

    def wait(self) -> tuple[Any, ...]:
        """What rank 0 asks for next that nothing here answers; other calls are answered.

        Raises:
            Dismissed: rank 0 is done.
        """
        self._called = None
        while self._called is None:
            self._exchange()
        return self._called

    def dismiss(self, code: int) -> None:
        """Let the others end with this exit code, where they can hear it."""
        if self._in_step:
            return  # they notice that this process ends
        with suppress(RunFailed, UserError):  # they have ended before
            self._exchange(calls=True)
            broadcast((LEAVE, code))

    def _agree(self, problem: Exception | None = None, said: Interrupts | None = None) -> None:
        while self._exchange(problem, said):
            pass

    def _exchange(
        self,
        problem: Exception | None = None,
        interrupts: Interrupts | None = None,
        calls: bool = False,
    ) -> bool:
        """One small all-reduce, and what follows from it; whether rank 0 has called."""
        stop, saves = (interrupts.stop or 0, interrupts.saves_asked) if interrupts else (0, 0)
        seconds = self._seconds if self.leads else 0.0
        heard = torch.tensor(
            [problem is not None, bool(self.messages), calls, seconds, stop, saves],
            dtype=torch.float64,
        )
        with lost():
            distributed.all_reduce(heard, distributed.ReduceOp.MAX)
        failed, said, called, seconds, stop, saves = heard.tolist()
        if said:
            texts, self.messages = gather(self.messages), []
            for rank, found in enumerate(texts or ()):
                for text in found:
                    self.hear(rank, text)
        if failed:
            self._settle(problem)
        if called:
            self.end_step()
            if not self.leads:
                self._answer()
            return True
        self._seconds_of_0 = seconds
        if interrupts is not None:
            self._stop = signal.Signals(int(stop)) if stop else None
            interrupts.stop = self._stop or interrupts.stop  # one may have come just now
            interrupts.saves_asked = max(interrupts.saves_asked, int(saves))
        return False

    def _settle(self, problem: Exception | None) -> None:
        """Raise what the first rank that failed has raised."""
        found = gather_everywhere(problem and portable(problem))
        rank, first = next((rank, p) for rank, p in enumerate(found) if p is not None)
        if rank and not isinstance(first, NonFinite):
            first = type(first)(*(f"rank {rank}: {line}" for line in first.args))
        self.settled = problem if rank == self.rank and problem is not None else first
        raise self.settled

    def _answer(self) -> None:
        """Do what rank 0 asks for."""
        name, *given = broadcast(None)
        if name == LEAVE:
            raise Dismissed(*given)
        answer: Any = None
        if name in self.answers:
            try:
                answer = self.answers[name](*given)
            except Exception as error:
                answer = portable(error)
        else:
            self._called = name, *given
        gather(answer)
        if name == LOAD:
            raise NonFinite("rank 0 goes back to its checkpoint")
