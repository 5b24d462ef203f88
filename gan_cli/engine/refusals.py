"""Turns that no weight may learn from: a loss or a gradient is not finite."""

import logging
from collections.abc import Iterable

import torch
from torch import Tensor

from gan_cli.engine.meter import FiniteCheck
from gan_cli.engine.player import Player
from gan_cli.errors import NonFinite
from gan_cli.games.base import Losses

log = logging.getLogger(__name__)

PATIENCE = 10
"""Turns in a row that a player skips before the run gives up."""


class Refusals:
    """Looks at each turn before its optimizer steps, and counts those that are refused.

    Args:
        players: by name.
        device: where losses are.
        skip: let a player skip a turn; else the first one ends the run.
    """

    def __init__(self, players: Iterable[str], device: torch.device, skip: bool) -> None:
        self._in_a_row = dict.fromkeys(players, 0)
        self._finite, self._skip = FiniteCheck(device), skip

    @property
    def any(self) -> bool:
        """Whether a player's latest turn was refused."""
        return any(self._in_a_row.values())

    def refuses(
        self, player: Player, losses: Losses, total: Tensor, norm: Tensor, step: int
    ) -> bool:
        """Whether the turn is to be skipped.

        Args:
            player: at turn.
            losses: its, as the game gave them.
            total: their sum.
            norm: of all gradients together.
            step: for messages.

        Raises:
            NonFinite: it must not be skipped.
        """
        self._finite.watch(total, norm)
        if self._finite.holds():
            self._in_a_row[player.name] = 0
            return False
        bad = [name for name, value in losses.minimise.items() if not torch.isfinite(value)]
        name = f"loss/{player.symbol}/{' and '.join(bad)}" if bad else f"grad_norm/{player.symbol}"
        what = f"{name} is not finite in step {step}"
        self._in_a_row[player.name] += 1
        if not self._skip or self._in_a_row[player.name] > PATIENCE:
            raise NonFinite(what)
        log.warning("%s: turn skipped (trainer.on_nan=skip)", what)
        return True
