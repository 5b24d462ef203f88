"""Games small enough to be checked by hand."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan_cli.games.adversary import Adversary
from gan_cli.games.losses import NonSaturating
from gan_cli.games.two_player import Game
from gan_cli.games.unrolled import Unrolled
from gan_cli.networks import mlp
from gan_cli.networks.roles import Discriminator
from gan_cli.tricks.base import Side, Term
from gan_cli.tricks.examples import Exchange, Judged, Progress, Verdict

START = Progress(step=0, epoch=0.0, done=0.0)
SIDES: tuple[Side, Side] = ("discriminator", "generator")


def exchange_of(
    network: Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]],
    real: Tensor,
    fake: Tensor,
    y: Tensor | None = None,
) -> Exchange:
    """Both batches before any function of pictures and labels that gives scores and features."""

    def judge(x: Tensor, y: Tensor | None) -> Verdict:
        return Verdict(*network(x, y))

    def seen(x: Tensor) -> Judged:
        return Judged(x, y, lambda x: x, judge)

    discriminator = network if isinstance(network, nn.Module) else nn.Module()
    return Exchange(seen(real), seen(fake), judge, discriminator, START)


def tiny_discriminator(n_classes: int = 0) -> Discriminator:
    """8 hidden units, smooth, on 2x2 pictures."""
    return mlp.Discriminator(2, 1, n_classes, hidden=[8], activation="tanh", dropout=0.0)


class Tiny:
    """A game on 2x2 pictures with both players' optimizers."""

    def __init__(
        self, *tricks: Term, unrolled: Unrolled | None = None, n_classes: int = 0, **adversary
    ) -> None:
        torch.manual_seed(0)
        generator = mlp.Generator(3, 2, 1, n_classes, hidden=[8], activation="tanh")
        self.networks = {"discriminator": tiny_discriminator(), "generator": generator}
        terms: dict[Side, dict[str, Term]] = {
            side: {
                f"term{i}": trick.on(side, self.networks[side])
                for i, trick in enumerate(tricks)
                if side in trick.sides
            }
            for side in SIDES
        }
        self.game = Game(
            generator,
            Adversary(self.networks["discriminator"], NonSaturating(), **adversary),
            terms,
            unrolled,
        )
        self.optimizers = {
            side: torch.optim.Adam(network.parameters(), 0.01)
            for side, network in self.networks.items()
        }
        if unrolled is not None:
            unrolled.attach(self.optimizers["discriminator"])

    def play(self, steps: int, start: int = 0) -> dict[str, Tensor]:
        """Let both players learn for some steps; the last losses by side and name."""
        seen = {}
        for step in range(start, start + steps):
            torch.manual_seed(step)
            x, y = torch.rand(6, 1, 2, 2), torch.randint(2, (6,))
            for side in SIDES:
                for other in SIDES:
                    self.networks[other].requires_grad_(other == side)
                losses = self.game.losses(side, x, y, Progress(step, step / 2, step / 10)).losses
                self.optimizers[side].zero_grad()
                torch.stack(list(losses.values())).sum().backward()
                self.optimizers[side].step()
                seen |= {f"{side}/{name}": loss.detach() for name, loss in losses.items()}
        return seen

    def weights(self) -> list[Tensor]:
        """Of both networks."""
        return [p.detach() for network in self.networks.values() for p in network.parameters()]

    def equals(self, other: "Tiny") -> bool:
        """Whether both have the same weights, bit for bit."""
        return all(map(torch.equal, self.weights(), other.weights()))
