"""The plain two-player game."""

import functools
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan_cli.games.adversary import Adversary
from gan_cli.games.losses import accuracy
from gan_cli.games.unrolled import Unrolled
from gan_cli.networks.roles import Generator
from gan_cli.tricks.base import Side, Term
from gan_cli.tricks.examples import Exchange, Progress


class Turn(NamedTuple):
    """What came of a turn."""

    losses: dict[str, Tensor]
    """Scalars whose sum the player minimises, by term."""
    watch: dict[str, Tensor]
    """Detached scalars worth a curve."""


class Game(nn.Module):
    """G against D (Goodfellow et al. 2014): each player's losses on a batch.

    Args:
        generator: takes z [N, latent_dim] and y [N] or None, gives pictures [N, C, H, W].
        adversary: the discriminator's side.
        terms: what is added to each side's loss, by name.
        unrolled: lets G look ahead to what D will be.
    """

    def __init__(
        self,
        generator: Generator,
        adversary: Adversary,
        terms: Mapping[Side, Mapping[str, Term]],
        unrolled: Unrolled | None = None,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.adversary = adversary
        self.terms = terms
        self.memory = nn.ModuleDict({side: nn.ModuleDict(of) for side, of in terms.items()})
        self.unrolled = unrolled

    def losses(self, side: Side, x: Tensor, y: Tensor | None, progress: Progress) -> Turn:
        """The turn of `side` on real pictures x [N, C, H, W] with labels y [N] or None."""
        y = y if self.generator.n_classes else None
        own = side == "discriminator"
        with torch.set_grad_enabled(not own):  # D's turn pays nothing for making fakes
            fake = self.fakes(len(x), y, x.device)
        meet = functools.partial(self.adversary.meet, x, fake, y, progress, replay=own)
        if own or self.unrolled is None:
            exchange = meet()
        else:
            against = functools.partial(self._losses, "discriminator")
            exchange = self.unrolled(self.adversary.network, meet, against)
        losses, watch = self._losses(side, exchange), {}
        if own:
            real, fake = exchange.real.score.detach(), exchange.fake.score.detach()
            watch = {"score/real": real.mean(), "score/fake": fake.mean()}
            if (boundary := self.adversary.loss.undecided) is not None:
                watch["health/accuracy_real"] = accuracy(real, boundary, real=True)
                watch["health/accuracy_fake"] = accuracy(fake, boundary, real=False)
        return Turn(losses, watch)

    def fakes(self, count: int, y: Tensor | None, device: torch.device) -> Tensor:
        """`count` fresh pictures [N, C, H, W], float32 like real ones, also under autocast."""
        z = torch.randn(count, self.generator.latent_dim, device=device)
        return self.generator(z, y).float()

    def _losses(self, side: Side, exchange: Exchange) -> dict[str, Tensor]:
        if side == "discriminator":
            network, loss = self.adversary.network, self.adversary.discriminator_loss(exchange)
        else:
            network, loss = self.generator, self.adversary.generator_loss(exchange)
        return {"adversarial": loss} | {
            name: term.weight * term.every * term(exchange, network)
            for name, term in self.terms[side].items()
            if term.weight and exchange.progress.step % term.every == 0
        }
