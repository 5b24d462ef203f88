"""Samples to be measured, drawn on all processes that train together.

Each draws as rank 0 would: BatchNorm's statistics, which differ between ranks, are lent for it.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from gan_cli.engine.joined import Joined
from gan_cli.engine.trainer import Trainer
from gan_cli.evaluation.drawing import Drawn, draw_part
from gan_cli.games.requests import Request, Trial
from gan_cli.networks.untouched import preserved_buffers

DRAW = "draw"


class SharedDrawing:
    """Draws a round of parts at a time, a part a rank; on rank 0.

    Args:
        trainer: rank 0's, of several.
    """

    def __init__(self, trainer: Trainer) -> None:
        assert isinstance(trainer.ranks, Joined)
        self._trainer, self._ranks = trainer, trainer.ranks

    def __call__(self, requests: Iterable[Request], trial: Trial) -> Iterator[Drawn]:
        """The parts in their order."""
        left = iter(requests)
        while parts := list(itertools.islice(left, self._ranks.size)):
            if len(parts) == 1:
                yield draw_part(self._trainer.draw, parts[0], trial)
                continue
            lent = [buffer.cpu() for buffer in _buffers(self._trainer)]
            first = functools.partial(draw_part, self._trainer.draw, parts[0], trial)
            found = self._ranks.call(DRAW, lent, parts, trial, meanwhile=first)
            yield from found[: len(parts)]


def draw_share(
    trainer: Trainer, rank: int, lent: Sequence[Tensor], parts: Sequence[Request], trial: Trial
) -> Drawn | None:
    """What another rank draws of a round; None where there is no part for it."""
    if rank >= len(parts):
        return None
    with preserved_buffers(*_drawing(trainer)):
        with torch.no_grad():
            for buffer, value in zip(_buffers(trainer), lent, strict=True):
                buffer.copy_(value)
        return draw_part(trainer.draw, parts[rank], trial)


def _drawing(trainer: Trainer) -> list[torch.nn.Module]:
    """The networks that draw: means of weights where they are kept."""
    if trainer.average is not None:
        return [*trainer.average.networks]
    return [*trainer.game.averaged.values()]


def _buffers(trainer: Trainer) -> list[Tensor]:
    return [buffer for network in _drawing(trainer) for buffer in network.buffers()]
