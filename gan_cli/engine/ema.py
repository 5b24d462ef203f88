"""A running mean of the weights that draw, from which samples are made."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gan_cli.ranges import Momentum


class EMA(nn.Module):
    """Exponential moving average of networks: theta_ema <- decay theta_ema + (1 - decay) theta.

    Yazici et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training". Buffers
    (BatchNorm statistics) are copied as they are: they are running means already.

    Args:
        decay: weight of the past, in [0, 1). The mean reaches back about 1 / (1 - decay) steps.
        warm_up: let the decay grow as (1 + n) / (10 + n) until it reaches `decay`, so that the
            first, meaningless weights are forgotten at once.
    """

    def __init__(self, decay: Momentum = 0.999, warm_up: bool = True) -> None:
        super().__init__()
        self.decay = decay
        self.warm_up = warm_up
        self.networks = nn.ModuleList()
        self._places: list[str] = []
        self._means: tuple[list[Tensor], list[Tensor]] = ([], [])
        self._copies: tuple[list[Tensor], list[Tensor]] = ([], [])

    def attach(self, averaged: Mapping[str, nn.Module]) -> None:
        """Begin the mean at the present weights of a game's `averaged` submodules."""
        self._places = list(averaged)
        self.networks = copy.deepcopy(nn.ModuleList(averaged.values()))
        self.networks.requires_grad_(False).eval()
        # listed once: to find them all takes as long as to average the weights of a small network
        now = nn.ModuleList(averaged.values())
        self._means = [*self.networks.parameters()], [*now.parameters()]
        self._copies = [*self.networks.buffers()], [*now.buffers()]

    @torch.no_grad()
    def update(self, updates: int) -> None:
        """Take in the networks after update number `updates`, counted from zero."""
        decay = min(self.decay, (1 + updates) / (10 + updates)) if self.warm_up else self.decay
        torch._foreach_lerp_(*self._means, 1.0 - decay)
        if self._copies[0]:
            torch._foreach_copy_(*self._copies)

    @contextmanager
    def standing_in(self, game: nn.Module) -> Iterator[None]:
        """The means in the places of the submodules they follow, for a while."""
        own = [game.get_submodule(place) for place in self._places]
        self._put(game, [*self.networks])
        try:
            yield
        finally:
            self._put(game, own)

    def stand_in(self, game: nn.Module) -> None:
        """The means in the places of the submodules they follow, for good."""
        self._put(game, [*self.networks])

    def _put(self, game: nn.Module, networks: list[nn.Module]) -> None:
        for place, network in zip(self._places, networks, strict=True):
            game.set_submodule(place, network)
