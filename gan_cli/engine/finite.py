"""What is not finite: no weight learns from it."""

import logging
import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from gan_cli.engine.player import Player
from gan_cli.errors import NonFinite
from gan_cli.games.base import Losses

log = logging.getLogger(__name__)

OnNaN = Literal["stop", "skip", "rollback"]
PATIENCE = 10
"""Turns in a row that a player skips under `skip`, or rollbacks in a run, before giving up."""


class FiniteCheck:
    """Lets a player learn from a turn only where its loss and its gradients are finite.

    A finite loss can have a gradient that is not: sqrt at 0, a norm that overflows. On a GPU the
    answer stays there and nothing waits for it: fused optimizers read it and leave the weights
    alone from the first bad turn on, and `settle` says so later. `skip` has to know at once.

    Args:
        players: whose turns are checked.
        on_nan: `skip` passes over a bad turn; whatever else raises.
        device: where losses are.

    Attributes:
        skips: whether a bad turn is passed over.
    """

    def __init__(self, players: Sequence[Player], on_nan: OnNaN, device: torch.device) -> None:
        self.skips = on_nan == "skip"
        self._skipped = {player.name: 0 for player in players}
        self.deferred = (
            device.type == "cuda" and not self.skips and all(player.fused for player in players)
        )
        self._bad = torch.zeros((), device=device)  # 1 from the first bad turn on
        self._good = torch.zeros((), device=device)  # turns before it
        self._turns: list[tuple[int, str]] = []  # what has not been settled: step, symbol

    @property
    def skipping(self) -> bool:
        """Whether a player's latest turn was skipped."""
        return any(self._skipped.values())

    def passes(
        self, player: Player, losses: Losses, total: Tensor, norm: Tensor, step: int
    ) -> bool:
        """Whether the player may learn from a turn.

        Args:
            player: whose turn it is.
            losses: of the turn.
            total: their sum, a scalar.
            norm: the total norm of its gradients, a scalar on the same device.
            step: for the message.

        Raises:
            NonFinite: it may not, and the run cannot go on.
        """
        if self.deferred:
            self._note(player, total.detach(), norm.detach())
        elif not (math.isfinite(total.item()) and math.isfinite(norm.item())):
            self._refuse(player, losses, step)
            return False
        self._skipped[player.name] = 0
        return True

    def expect(self, players: Sequence[Player], step: int) -> None:
        """What `settle` will read of: the turns of a step that have passed, in order."""
        if self.deferred:
            self._turns += [(step, player.symbol) for player in players]

    def settle(self) -> None:
        """Read what has been noted on the device; the one wait for it.

        Raises:
            NonFinite: names the first bad turn since the last call.
        """
        if not self._turns:
            return
        good, turns = int(self._good), self._turns
        self.forget()
        if good < len(turns):
            step, symbol = turns[good]
            raise NonFinite(f"loss/{symbol} or grad_norm/{symbol} is not finite in step {step}")

    def forget(self) -> None:
        """Begin anew: the turns that were noted are undone, or have been read."""
        self._turns = []
        self._good.zero_()
        self._bad.zero_()

    def _note(self, player: Player, total: Tensor, norm: Tensor) -> None:
        finite = torch.isfinite(total) & torch.isfinite(norm)
        torch.maximum(self._bad, 1.0 - finite.float(), out=self._bad)
        self._good += 1.0 - self._bad
        player.optimizer.found_inf = self._bad  # type: ignore[attr-defined]

    def _refuse(self, player: Player, losses: Losses, step: int) -> None:
        """Skip the turn or give up; no weight has changed."""
        bad = [name for name, value in losses.minimise.items() if not torch.isfinite(value)]
        names = [f"loss/{player.symbol}/{name}" for name in bad] or [f"grad_norm/{player.symbol}"]
        verb = "are" if len(names) > 1 else "is"
        what = f"{' and '.join(names)} {verb} not finite in step {step}"
        player.optimizer.zero_grad()
        self._skipped[player.name] += 1
        if not self.skips or self._skipped[player.name] > PATIENCE:
            raise NonFinite(what)
        log.warning("%s: turn skipped (trainer.on_nan=skip)", what)
