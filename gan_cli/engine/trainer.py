"""The training loop: players take turns. It knows no GAN, no trick and no dataset."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from gan_cli import randomness
from gan_cli.data.batches import Batches
from gan_cli.data.fields import Batch
from gan_cli.engine.distributed import ALONE, Ranks
from gan_cli.engine.duration import Duration
from gan_cli.engine.ema import EMA
from gan_cli.engine.finite import PATIENCE, FiniteCheck, OnNaN
from gan_cli.engine.graphs import Graphs
from gan_cli.engine.interrupts import Interrupts
from gan_cli.engine.meter import Meter
from gan_cli.engine.per_rank import remembered
from gan_cli.engine.player import Player
from gan_cli.engine.protocols import Probe
from gan_cli.engine.state import put_back, state_of
from gan_cli.engine.turns import Taken, Turns
from gan_cli.errors import NonFinite, RunFailed, UserError
from gan_cli.games.base import Game
from gan_cli.games.requests import Drawing, Request
from gan_cli.networks.modes import evaluating
from gan_cli.sinks.sink import Sink
from gan_cli.tricks.examples import Progress

log = logging.getLogger(__name__)


class Trainer:
    """Plays turns until the run is over and hands each step to the sinks.

    Args:
        game, players: whose losses are minimised, and who minimises them, in order.
        batches: real samples; a step draws as many batches as the busiest player plays.
        duration: of the whole run.
        seed: with rank and step it decides every random number of a step.
        device: where the game is.
        log_every: steps between two reports; between them nothing waits for the device.
        average: running mean of what draws, updated after each step.
        precision: `bf16` computes losses under autocast.
        on_nan: what is not finite ends the run, or the turn, or sends the run back.
        ranks: the processes that train together.
        accumulate: parts of a batch that a turn is computed in.

    Attributes:
        graphs: plays steps as CUDA graphs; None where every step is said anew.
        rollback: restores the newest good checkpoint into this trainer.
        probes: what looks at the run and adds to its reports, in order.
        sinks: what a run leaves behind.
        seconds: of training so far, without what probes and sinks took; no part of the state.
        report: means since the last report and what probes saw; None on most steps.
        returns: the scalar that a sweep gets back.
        outcome: how the run ended: `finished`, a signal, or what went wrong.
    """

    def __init__(
        self,
        game: Game,
        players: Sequence[Player],
        batches: Batches,
        *,
        duration: Duration,
        seed: int,
        device: torch.device,
        log_every: int = 50,
        average: EMA | None = None,
        precision: str = "fp32",
        on_nan: OnNaN = "stop",
        ranks: Ranks = ALONE,
        accumulate: int = 1,
    ) -> None:
        self.game, self.players, self.batches = game, players, batches
        self.duration, self.seed, self.device = duration, seed, device
        self.log_every, self.average, self.on_nan = log_every, average, on_nan
        self.precision, self.ranks = precision, ranks
        self.probes, self.sinks = list[Probe](), list[Sink]()
        self.graphs: Graphs | None = None
        self.rollback: Callable[[], None] | None = None
        self.interrupts, self._meter = Interrupts(), Meter()
        self.step, self.attempt, self.seconds = 0, 0, 0.0
        self.report: dict[str, float] | None = None
        self.last_report = dict[str, float]()
        self.returns, self.outcome = "", "running"
        self._finite = FiniteCheck(players, on_nan, device)
        self.turns = Turns(game, players, self._finite, ranks, precision, accumulate)
        self._reported = (0.0, 0)  # seconds and samples at the last report

    @property
    def images(self) -> int:
        """Real samples seen."""
        return self.batches.position

    @property
    def skips(self) -> bool:
        """Whether a player's latest turn was skipped."""
        return self._finite.skipping

    @property
    def progress(self) -> Progress:
        """How far the run is."""
        done = self.duration.done(self.step, self.seconds)
        return Progress(self.step, self.images / self.batches.size, done, self.images)

    @property
    def over(self) -> bool:
        """Whether all that was asked for is done."""
        return self.duration.over(self.step, self.seconds)

    def run(self) -> None:
        """Train until the run is over or a signal ends it."""
        self._reported = (self.seconds, self.batches.position)
        with self.interrupts:
            last = self.over
            for sink in self.sinks if last else ():
                if not sink.vital:
                    sink.offer(self, last)  # what a kill after the last checkpoint has cost
            while not last:
                try:
                    seen = self.play()
                    # asked once a step: a later signal gets a step and its sinks of its own
                    last = self.over or self.ranks.stop(self.interrupts) is not None
                    self.report = self._make_report(seen, last)
                    for sink in self.sinks:
                        sink.offer(self, last)
                except NonFinite as problem:
                    self._go_back(problem)
                    last = False
        self.outcome = "finished" if self.interrupts.stop is None else self.interrupts.stop.name

    def play(self) -> Batch:
        """One step: every player's turns; returns the real samples that came last."""
        began = time.monotonic()
        randomness.reseed(self.seed, self.ranks.rank, self.step, self.attempt)
        progress = self.progress
        drawn = self._draw_batches()
        for player in self.players:
            player.follow(progress)
        if self.graphs is None:
            taken = self.turns.play(drawn, progress)
        else:
            taken = self.graphs.play(self.turns.play, drawn, progress)
        self._take_in(taken)
        if self.average is not None:
            self.average.update(progress, self.images - progress.images)
        self.step += 1
        self.seconds += self.ranks.elapsed(time.monotonic() - began)
        self.game.on_step(self.progress)
        for player in self.players:
            if player.name in self.game.fresh(progress, self.progress):
                player.forget()
                self._forget_graphs()
        self.ranks.end_step()
        return drawn[-1]

    def draw(self, request: Request) -> Drawing:
        """Draw as a sample of this run would be: with the mean of weights, where one is kept."""
        with contextlib.ExitStack() as stack:
            if self.average is not None:
                stack.enter_context(self.average.standing_in(self.game))
            stack.enter_context(evaluating(*self.game.averaged.values()))
            return self.game.draw(request)

    def _draw_batches(self) -> list[Batch]:
        """The real samples of a step; what cannot be read ends the run with its state saved."""
        position, count = self.batches.position, max(p.times for p in self.players)
        try:
            with self.ranks.agreed(self.interrupts):
                return [self.batches.next() for _ in range(count)]
        except (RunFailed, UserError):
            self.batches.seek(position)
            for sink in self.sinks:
                if sink.vital:
                    sink.offer(self, last=True)
            raise

    def _take_in(self, taken: Sequence[Taken]) -> None:
        """What turns have shown, for the next report."""
        self._finite.expect([turn.player for turn in taken], self.step)
        for turn in taken:
            norm = {f"grad_norm/{turn.player.symbol}": turn.norm}
            self._meter.add(turn.scalars | (norm if self._logs(self.step + 1) else {}))

    def _forget_graphs(self) -> None:
        if self.graphs is not None:
            self.graphs.forget()

    def _logs(self, step: int) -> bool:
        return step % self.log_every == 0 or step == self.duration.steps

    def _go_back(self, problem: NonFinite) -> None:
        """Begin again at the newest checkpoint, where that was asked for and still makes sense."""
        if self.on_nan != "rollback" or self.rollback is None or self.attempt >= PATIENCE:
            raise problem
        attempt = self.attempt + 1
        try:
            self.rollback()
        except UserError as error:
            raise NonFinite(f"{problem}, and there is no checkpoint to go back to") from error
        self.attempt = attempt  # other random numbers than those that led here
        self._meter = Meter()
        self._reported = (self.seconds, self.batches.position)
        log.warning("%s: back to step %d (trainer.on_nan=rollback)", problem, self.step)

    def _make_report(self, seen: Batch, last: bool) -> dict[str, float] | None:
        """Means since the last report and what probes see now; only this waits for the device."""
        probes = [probe for probe in self.probes if probe.due(self.step, last)]
        if not probes and not last and not self._logs(self.step):
            return None
        self._settle()
        report = self._meter.read()
        report |= {f"lr/{player.symbol}": player.lr for player in self.players}
        seconds, samples = self._reported
        elapsed = max(self.seconds - seconds, 1e-9)
        report["speed/images_per_second"] = (self.batches.position - samples) / elapsed
        for probe in probes:
            report |= probe.measure(self.progress, seen, report)
        self._reported = (self.seconds, self.batches.position)
        self.last_report = report
        return report

    def _settle(self) -> None:
        """Wait for what was asked of the device: that is training too. Raises `NonFinite`."""
        began = time.monotonic()
        try:
            self._finite.settle()
        finally:
            self.seconds += self.ranks.waited(time.monotonic() - began)

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on.

        Raises:
            NonFinite: a turn behind it was not finite, so there is nothing to go on from.
        """
        self._settle()
        return self.ranks.complete(state_of(self), lambda: remembered(self.game, self.average))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was called; whatever raises, it was of something else."""
        put_back(self, state)
        self._finite.forget()
        self._forget_graphs()
