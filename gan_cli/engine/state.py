"""All that a later step depends on, taken out of a trainer and put back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gan_cli.engine.duration import count_in
from gan_cli.engine.per_rank import for_rank

if TYPE_CHECKING:
    from gan_cli.engine.trainer import Trainer


def state_of(trainer: "Trainer") -> dict[str, Any]:
    """As of this process; parameters, buffers and what optimizers remember, where they lie."""
    average = trainer.average
    return {
        "step": trainer.step,
        "attempt": trainer.attempt,
        "position": trainer.batches.position,
        "game": trainer.game.state_dict(),
        "players": {player.name: player.state_dict() for player in trainer.players},
        "average": None if average is None else average.state_dict(),
    }


def put_back(trainer: "Trainer", saved: Mapping[str, Any]) -> None:
    """Go on from a state, as this rank has it; whatever raises, it was of something else."""
    state = for_rank(saved, trainer.ranks.rank)
    step, attempt, position = (count_in(state, n) for n in ("step", "attempt", "position"))
    trainer.game.load_state_dict(state["game"])
    for player in trainer.players:
        player.load_state_dict(state["players"][player.name])
    if trainer.average is not None:
        trainer.average.load_state_dict(state["average"])
    trainer.step, trainer.attempt = step, attempt
    trainer.batches.seek(position)


def weights_of(trainer: "Trainer") -> list[Tensor]:
    """All that is learnt, and the mean of it."""
    average = [] if trainer.average is None else [*trainer.average.parameters()]
    return [p.detach() for p in (*trainer.game.parameters(), *average)]
