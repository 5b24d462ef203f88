"""What a process does for the one that leads."""

import functools

from gan_cli.engine.per_rank import remembered
from gan_cli.engine.trainer import Trainer


def follow(trainer: Trainer) -> None:
    """Let a trainer without probes and sinks do what rank 0 asks for, between two steps."""
    from gan_cli.engine.joined import Joined  # of no use to a process that is alone
    from gan_cli.evaluation.sharing import DRAW, draw_share

    ranks = trainer.ranks
    assert isinstance(ranks, Joined)
    trainer.rollback = lambda: trainer.load_state_dict(ranks.received())
    ranks.answers["remembered"] = lambda: remembered(trainer.game, trainer.average)
    ranks.answers[DRAW] = functools.partial(draw_share, trainer, ranks.rank)
