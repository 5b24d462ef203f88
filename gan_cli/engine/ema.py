"""A running mean of the weights that draw, from which samples are made."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gan_cli.ranges import Momentum, NonNegative
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Schedule, now


class EMA(nn.Module):
    """Exponential moving average of networks: theta_ema <- decay theta_ema + (1 - decay) theta.

    Yazici et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training". Buffers
    (BatchNorm statistics) are copied as they are, being running means already, and so is the extra
    state of modules that have one.

    Args:
        decay: weight of the past in each step, in [0, 1). The mean reaches back about
            1 / (1 - decay) steps. At 0 there is no mean yet.
        warm_up: let the decay grow as (1 + n) / (10 + n) until it reaches `decay`, so that the
            first, meaningless weights are forgotten at once.
        half_life: real images in which a weight loses half its part, instead of `decay`; so it
            means the same at any batch size (Karras et al. 2018, progressive growing).

    Raises:
        ValueError: both `decay` and `half_life` are given, or none.
    """

    def __init__(
        self,
        decay: Momentum | Schedule | None = 0.999,
        warm_up: bool = True,
        half_life: NonNegative | Schedule | None = None,
    ) -> None:
        super().__init__()
        if (decay is None) == (half_life is None):
            raise ValueError("give decay or half_life, and let the other be null")
        self.decay, self.half_life = decay, half_life
        self.warm_up = warm_up
        self.networks = nn.ModuleList()
        self._places: list[str] = []
        self._means: tuple[list[Tensor], list[Tensor]] = ([], [])
        self._copies: tuple[list[Tensor], list[Tensor]] = ([], [])
        self._plain: list[tuple[nn.Module, nn.Module]] = []

    def attach(self, averaged: Mapping[str, nn.Module]) -> None:
        """Begin the mean at the present weights of a game's `averaged` submodules."""
        self._places = list(averaged)
        self.networks = copy.deepcopy(nn.ModuleList(averaged.values()))
        self.networks.requires_grad_(False).eval()
        # listed once: to find them all takes as long as to average the weights of a small network
        now = nn.ModuleList(averaged.values())
        self._means = [*self.networks.parameters()], [*now.parameters()]
        self._copies = [*self.networks.buffers()], [*now.buffers()]
        self._plain = [
            pair
            for pair in zip(self.networks.modules(), now.modules(), strict=True)
            if type(pair[1]).get_extra_state is not nn.Module.get_extra_state
        ]

    def weight_of_past(self, progress: Progress, images: int) -> float:
        """The part of the mean that a step of so many real images leaves as it was."""
        if self.half_life is not None:
            half_life = now(self.half_life, progress)
            decay = 0.5 ** (images / half_life) if half_life else 0.0
        else:
            assert self.decay is not None
            decay = now(self.decay, progress)
        return min(decay, (1 + progress.step) / (10 + progress.step)) if self.warm_up else decay

    @torch.no_grad()
    def update(self, progress: Progress, images: int = 1) -> None:
        """Take in the networks after a step.

        Args:
            progress: before it.
            images: real ones that it saw.
        """
        decay = self.weight_of_past(progress, images)
        torch._foreach_lerp_(*self._means, 1.0 - decay)
        if self._copies[0]:
            torch._foreach_copy_(*self._copies)
        for mean, network in self._plain:
            mean.set_extra_state(network.get_extra_state())

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
