"""The plain two-player game."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan_cli.adversary import Adversary
from gan_cli.exchange import Exchange, Progress
from gan_cli.tricks.places import Side, Term


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
    """

    def __init__(
        self,
        generator: nn.Module,
        adversary: Adversary,
        terms: Mapping[Side, Mapping[str, Term]],
    ) -> None:
        super().__init__()
        self.generator = generator
        self.adversary = adversary
        self.terms = nn.ModuleDict({side: nn.ModuleDict(of) for side, of in terms.items()})

    def losses(self, side: Side, x: Tensor, y: Tensor | None, progress: Progress) -> Turn:
        """The turn of `side` on real pictures x [N, C, H, W] with labels y [N] or None."""
        y = y if self.generator.n_classes else None
        own = side == "discriminator"
        with torch.set_grad_enabled(not own):  # D's turn pays nothing for making fakes
            fake = self.fakes(len(x), y, x.device)
        exchange = self.adversary.meet(x, fake, y, progress, replay=own)
        if own:
            network, loss = self.adversary.network, self.adversary.discriminator_loss(exchange)
            watch = {
                "score/real": exchange.real.score.detach().mean(),
                "score/fake": exchange.fake.score.detach().mean(),
            }
        else:
            network, loss = self.generator, self.adversary.generator_loss(exchange)
            watch = {}
        return Turn({"adversarial": loss} | self._terms(side, exchange, network), watch)

    def fakes(self, count: int, y: Tensor | None, device: torch.device) -> Tensor:
        """`count` fresh pictures [N, C, H, W]."""
        return self.generator(torch.randn(count, self.generator.latent_dim, device=device), y)

    def _terms(self, side: Side, exchange: Exchange, network: nn.Module) -> dict[str, Tensor]:
        return {
            name: term.weight * term.every * term(exchange, network)
            for name, term in self.terms[side].items()
            if term.weight and exchange.progress.step % term.every == 0
        }
