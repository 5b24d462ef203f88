"""One player's turn up to its gradients, in as many parts as fit into memory."""

import functools
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from gan_cli.data.fields import Batch
from gan_cli.engine.player import Player
from gan_cli.games.base import Game, Losses
from gan_cli.tricks.examples import Progress


def take_turn(
    game: Game,
    player: Player,
    batch: Batch,
    progress: Progress,
    precision: str = "fp32",
    parts: int = 1,
) -> tuple[Losses, Tensor]:
    """The losses of a turn and their sum; afterwards the player's parameters have its gradients.

    Args:
        game: whose losses are minimised.
        player: whose turn it is.
        batch: real samples [N, ...].
        progress: how far the run is.
        precision: `bf16` computes losses under autocast.
        parts: equal parts of the batch that are played one after the other. Losses and gradients
            are their means, which are those of the whole batch where a loss is a mean over it.
    """
    device = next(iter(batch.values())).device.type
    found = []
    for number, part in enumerate(in_parts(batch, parts)):
        with torch.autocast(device, torch.bfloat16, precision == "bf16"):
            losses = game.turn(player.name, part, progress)
        total = functools.reduce(torch.add, losses.minimise.values())
        if number == 0:
            player.optimizer.zero_grad()
        if parts == 1:
            total.backward()
            return losses, total
        (total / parts).backward()
        found.append(losses)
    minimise = _means([losses.minimise for losses in found])
    watch = _means([losses.watch for losses in found])
    return Losses(minimise, watch), functools.reduce(torch.add, minimise.values())


def in_parts(batch: Batch, parts: int) -> Iterator[Batch]:
    """A batch in equal parts."""
    if parts == 1:
        yield batch
        return
    size = len(next(iter(batch.values()))) // parts
    for start in range(0, parts * size, size):
        yield {name: values[start : start + size] for name, values in batch.items()}


def _means(found: list[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([of[name].detach() for of in found]).mean() for name in found[0]}
