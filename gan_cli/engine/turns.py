"""All turns of a step: who plays on which batches, and who learns from it."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from gan_cli.data.fields import Batch
from gan_cli.engine.distributed import Ranks
from gan_cli.engine.finite import FiniteCheck
from gan_cli.engine.player import Player
from gan_cli.engine.turn import take_turn
from gan_cli.games.base import Game
from gan_cli.tricks.examples import Progress


class Taken(NamedTuple):
    """A turn from which a player has learnt."""

    player: Player
    scalars: dict[str, Tensor]
    """What it minimised and what is worth a curve, by the names they are logged under; detached."""
    norm: Tensor
    """Of its gradients, a scalar."""


class Turns:
    """Plays them.

    Args:
        game, players: whose losses are minimised, and who minimises them, in order.
        finite: says which turns are learnt from.
        ranks: the processes that train together.
        precision, parts: see `take_turn`.
    """

    def __init__(
        self,
        game: Game,
        players: Sequence[Player],
        finite: FiniteCheck,
        ranks: Ranks,
        precision: str,
        parts: int,
    ) -> None:
        self.game, self.players, self.ranks = game, players, ranks
        self._finite, self._how = finite, (precision, parts)
        self._trained = {id(p): p for player in players for p in player.parameters}
        self._own = {player.name: {id(p) for p in player.parameters} for player in players}

    def play(self, drawn: Sequence[Batch], progress: Progress) -> list[Taken]:
        """A step on its batches: the turns of all players, but for those that were skipped."""
        self.game.begin_step()
        taken: list[Taken | None] = []
        for player in self.players:
            turns = self.game.turns(player.name, progress)
            for key, parameter in self._trained.items():
                parameter.requires_grad_(key in self._own[player.name])
            for batch in drawn[len(drawn) - turns :]:
                phases = player.phases(progress, self.game)
                taken += [self.turn(player, batch, phase) for phase in phases]
        return [turn for turn in taken if turn is not None]

    def turn(self, player: Player, batch: Batch, progress: Progress) -> Taken | None:
        """One turn; None where it was skipped."""
        buffers = [(x, x.clone()) for x in self.game.buffers()] if self._finite.skips else []
        losses, total = take_turn(self.game, player, batch, progress, *self._how)
        losses, total = self.ranks.average(player.parameters, losses, total)
        norm = player.gradient_norm()
        step = progress[0]  # only to be said: nothing that a turn does follows from it
        if not self._finite.passes(player, losses, total, norm, step):
            for buffer, before in buffers:  # means that the turn has gone into
                buffer.copy_(before)
            self.game.on_skip()
            return None
        player.update()
        terms = {f"loss/{player.symbol}/{k}": v.detach() for k, v in losses.minimise.items()}
        return Taken(player, terms | losses.watch, norm)
