"""What comes out otherwise where a batch is seen in parts: shares of processes, or one by one."""

import dataclasses

from torch.nn.modules.batchnorm import _BatchNorm

from gan_cli.config.schema import Settings
from gan_cli.games.base import Game
from gan_cli.networks.synchronised import SynchronisedBatchNorm


def reading_batch(game: Game) -> list[str]:
    """What in a game looks at a batch as a whole; none where all losses are means over samples.

    Known are BatchNorm and what says of itself that it `reads_batch`.
    """
    found = [
        type(module).__name__
        for module in game.modules()
        if getattr(module, "reads_batch", False) or isinstance(module, _BatchNorm)
    ]
    losses = (game.adversary(name).loss for name in game.adversaries)
    found += [type(loss).__name__ for loss in losses if loss.reads_batch]
    ordinary = {"BatchNorm1d": "BatchNorm", "BatchNorm2d": "BatchNorm"}
    names = dict.fromkeys(ordinary.get(name, name) for name in found)
    return [name for name in names if name != SynchronisedBatchNorm.__name__]


def seen_at_once(settings: Settings, share: int) -> Settings:
    """Settings of a game whose networks see so many samples at once, of a batch in parts."""
    return dataclasses.replace(settings, data=dataclasses.replace(settings.data, batch_size=share))
