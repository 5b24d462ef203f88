"""The training loop: players take turns. It knows no GAN, no trick and no dataset."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.engine.ema import EMA
from gan_cli.engine.interrupts import Interrupts
from gan_cli.engine.meter import FiniteCheck, Meter
from gan_cli.engine.player import Player
from gan_cli.engine.protocols import Batch, Batches, Objective, Probe
from gan_cli.errors import RunFailed, UserError
from gan_cli.sinks.sink import Sink
from gan_cli.tricks.examples import Progress

log = logging.getLogger(__name__)

OnNaN = Literal["stop", "skip", "rollback"]
PATIENCE = 10
"""NaN losses in a row under `skip`, or rollbacks in a run, before giving up."""


class NonFinite(RunFailed):
    """A loss became NaN or infinite."""


class Trainer:
    """Plays turns until `steps` generator updates are made and hands each step to the sinks.

    Args:
        objective: the game.
        players: in the order they play.
        batches: real pictures; a step draws as many batches as the busiest player plays.
        steps: generator updates in the whole run.
        seed: with rank and step it decides every random number of a step.
        log_every: steps between two reports; between them nothing waits for the device.
        average: running mean of the generator, updated after each step.
        precision: `bf16` computes losses under autocast.
        on_nan: a NaN loss ends the run, or the turn, or sends the run back to its checkpoint.
        rank: which of several processes this is.

    Attributes:
        rollback: restores the newest good checkpoint into this trainer.
        probes: what looks at the run and adds to its reports, in order.
        sinks: what a run leaves behind.
    """

    def __init__(
        self,
        objective: Objective,
        players: Sequence[Player],
        batches: Batches,
        *,
        steps: int,
        seed: int,
        device: torch.device,
        log_every: int = 50,
        average: EMA | None = None,
        precision: Literal["fp32", "bf16"] = "fp32",
        on_nan: OnNaN = "stop",
        rank: int = 0,
    ) -> None:
        self.objective, self.players, self.batches = objective, players, batches
        self.steps, self.seed, self.rank, self.device = steps, seed, rank, device
        self.log_every, self.average, self.on_nan = log_every, average, on_nan
        self.precision = precision
        self.probes: list[Probe] = []
        self.sinks: list[Sink] = []
        self.rollback: Callable[[], None] | None = None
        self.interrupts = Interrupts()
        self.step = 0
        self.attempt = 0
        self.report: dict[str, float] | None = None
        """Means since the last report and what probes saw; None on most steps."""
        self.last_report: dict[str, float] = {}
        self.outcome = "running"
        """How the run ended: `finished`, a signal, or what went wrong."""
        self._meter = Meter()
        self._finite = FiniteCheck(device)
        self._skipped = 0
        self._since = (time.monotonic(), 0)

    @property
    def images(self) -> int:
        """Real pictures seen."""
        return self.batches.position

    @property
    def progress(self) -> Progress:
        """How far the run is."""
        return Progress(
            self.step, self.batches.position / self.batches.size, self.step / self.steps
        )

    def run(self) -> None:
        """Train until all steps are made or a signal ends the run."""
        self._since = (time.monotonic(), self.batches.position)
        with self.interrupts:
            last = self.step >= self.steps
            while not last:
                try:
                    seen = self.play()
                except NonFinite as problem:
                    self._go_back(problem)
                    continue
                # asked once a step: a signal that comes later gets a step and its sinks of its own
                last = self.step >= self.steps or self.interrupts.stop is not None
                self.report = self._make_report(seen, last)
                for sink in self.sinks:
                    sink.offer(self, last)
        self.outcome = "finished" if self.interrupts.stop is None else self.interrupts.stop.name

    def play(self) -> Batch:
        """One step: every player's turns; returns the real pictures that came last."""
        randomness.reseed(self.seed, self.rank, self.step, self.attempt)
        progress = self.progress
        drawn = [self.batches.next() for _ in range(max(p.times for p in self.players))]
        for player in self.players:
            for other in self.players:
                other.network.requires_grad_(other is player)
            player.set_rate(progress.done)
            for x, y in drawn[-player.times :]:
                self._turn(player, x, y, progress)
        if self.average is not None:
            self.average.update(self.players[-1].network, self.step)
        self.step += 1
        return drawn[-1]

    def _turn(self, player: Player, x: Tensor, y: Tensor | None, progress: Progress) -> None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            turn = self.objective.losses(player.side, x, y, progress)
        total = torch.stack(list(turn.losses.values())).sum()
        self._finite.watch(total)
        player.optimizer.zero_grad()
        total.backward()
        if not self._finite.holds():
            self._refuse(player, turn.losses)
            return
        self._skipped = 0
        if self._logs(last=self.step + 1 == self.steps, step=self.step + 1):
            self._meter.add({f"grad_norm/{player.symbol}": player.gradient_norm()})
        player.update()
        self._meter.add({f"loss/{player.symbol}/{k}": v.detach() for k, v in turn.losses.items()})
        self._meter.add(turn.watch)

    def _logs(self, last: bool, step: int | None = None) -> bool:
        return last or (self.step if step is None else step) % self.log_every == 0

    def _refuse(self, player: Player, losses: dict[str, Tensor]) -> None:
        """A loss is not finite: skip the turn or give up, before any weight has changed."""
        bad = [name for name, value in losses.items() if not torch.isfinite(value)]
        what = f"loss/{player.symbol}/{' and '.join(bad)} is not finite in step {self.step}"
        self._skipped += 1
        if self.on_nan != "skip" or self._skipped > PATIENCE:
            raise NonFinite(what)
        player.optimizer.zero_grad()
        log.warning("%s: turn skipped (trainer.on_nan=skip)", what)

    def _go_back(self, problem: NonFinite) -> None:
        if self.on_nan != "rollback" or self.rollback is None or self.attempt >= PATIENCE:
            raise problem
        attempt = self.attempt + 1
        try:
            self.rollback()
        except UserError as error:
            raise NonFinite(f"{problem}, and there is no checkpoint to go back to") from error
        self.attempt = attempt  # other random numbers than those that led here
        self._meter = Meter()
        log.warning("%s: back to step %d (trainer.on_nan=rollback)", problem, self.step)

    def _make_report(self, seen: Batch, last: bool) -> dict[str, float] | None:
        """Means since the last report and what probes see now; only this waits for the device."""
        probes = [probe for probe in self.probes if probe.due(self.step, last)]
        if not probes and not self._logs(last):
            return None
        report = self._meter.read()
        report |= {f"lr/{player.symbol}": player.lr for player in self.players}
        elapsed = max(time.monotonic() - self._since[0], 1e-9)
        report["speed/images_per_second"] = (self.batches.position - self._since[1]) / elapsed
        for probe in probes:
            report |= probe.measure(self.progress, *seen, report)
        self._since = (time.monotonic(), self.batches.position)  # what probes take is not training
        self.last_report = report
        return report

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on."""
        return {
            "step": self.step,
            "attempt": self.attempt,
            "position": self.batches.position,
            "objective": self.objective.state_dict(),
            "players": {player.side: player.state_dict() for player in self.players},
            "average": None if self.average is None else self.average.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was called."""
        self.objective.load_state_dict(state["objective"])
        for player in self.players:
            player.load_state_dict(state["players"][player.side])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.step, self.attempt = state["step"], state["attempt"]
        self.batches.seek(state["position"])
