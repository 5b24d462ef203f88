"""Standing statistics: BatchNorm's mean and variance taken anew of what is drawn.

What training leaves are running means over weights that changed on the way, of latents that were
not truncated. Brock et al. 2019 ("Large scale GAN training", appendix C) take them again. Where z
reaches nothing but a layer that BatchNorm follows, as in DCGAN, that undoes a truncation.
"""

from torch.nn.modules.batchnorm import _BatchNorm

from gan_cli.errors import UserError
from gan_cli.games.base import Game
from gan_cli.games.requests import Request

SIZE = 256
"""Samples in each."""


def take_statistics(game: Game, batches: int, truncation: float | None) -> None:
    """Let the networks that draw count their BatchNorms' statistics over so many batches.

    Args:
        game: in evaluation mode; its networks change.
        batches: how many; 1 or more.
        truncation: of the latents, as they will be drawn.

    Raises:
        UserError: no network that draws has BatchNorm.
    """
    norms = [
        module
        for network in game.averaged.values()
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    if not norms:
        raise UserError("standing: no network of this model that draws has BatchNorm; leave it out")
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches, each as heavy
        norm.train()
    for seed in range(batches):
        game.draw(game.complete(Request(SIZE, seed, truncation=truncation)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
