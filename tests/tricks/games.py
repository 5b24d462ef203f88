"""Games small enough to be checked by hand."""

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from gan_cli.data.fields import Batch, Field
from gan_cli.games.losses import Loss, NonSaturating
from gan_cli.games.two_player import TwoPlayer
from gan_cli.games.unrolled import Unrolled
from gan_cli.networks import mlp
from gan_cli.networks.roles import Discriminator
from gan_cli.tricks.base import Pool, Trick, WeightTerm
from gan_cli.tricks.examples import (
    DiscriminatorOutput,
    Examples,
    Progress,
    RealFakeBatch,
)

START = Progress(step=0, epoch=0.0, done=0.0)
PLAYERS = ("discriminator", "generator")


def batch_of(
    network: Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]],
    real: Tensor,
    fake: Tensor,
    label: Tensor | None = None,
    differentiable: bool = True,
) -> RealFakeBatch:
    """Both batches before any function of images and labels that gives logits and features."""

    def discriminate(x: Tensor, label: Tensor | None) -> DiscriminatorOutput:
        return DiscriminatorOutput(*network(x, label))

    def examples(x: Tensor) -> Examples:
        return Examples(x, label, lambda x: x, discriminate, differentiable)

    discriminator = network if isinstance(network, nn.Module) else nn.Module()
    return RealFakeBatch(examples(real), examples(fake), discriminate, discriminator, START)


def tiny_discriminator(n_classes: int = 0) -> Discriminator:
    """8 hidden units, smooth, on 2x2 images."""
    return mlp.Discriminator(2, 1, n_classes, hidden=[8], activation="tanh", dropout=0.0)


def tiny_generator(n_classes: int = 0) -> mlp.Generator:
    """z [N, 3] to 2x2 images by 8 hidden units, smooth."""
    return mlp.Generator(3, 2, 1, n_classes, hidden=[8], activation="tanh")


def image_fields(*shape: int) -> dict[str, Field]:
    """Images of this shape with a label."""
    return {"image": Field("image", shape), "label": Field("label")}


class Tiny:
    """A game on 2x2 images with both players' optimizers.

    Args:
        tricks: put in their places, as `term0`, `term1`.
        unrolled_steps: how far G looks ahead; None for the plain game.
        n_classes: that G is told.
        loss: what both minimise.
        on: the players that weight terms join.
        options: further arguments of the game.
    """

    def __init__(
        self,
        *tricks: Trick,
        unrolled_steps: int | None = None,
        n_classes: int = 0,
        loss: Loss | None = None,
        on: Sequence[str] = PLAYERS,
        **options: int,
    ) -> None:
        torch.manual_seed(0)
        kind: type[TwoPlayer] = TwoPlayer if unrolled_steps is None else Unrolled
        options |= {} if unrolled_steps is None else {"unrolled_steps": unrolled_steps}
        discriminator, generator = tiny_discriminator(), tiny_generator(n_classes)
        self.game = kind(3, generator, discriminator, loss or NonSaturating(), **options)
        self.game.bind(image_fields(1, 2, 2))
        self.networks: Mapping[str, nn.Module] = dict(
            zip(PLAYERS, (discriminator, generator), strict=True)
        )
        for i, trick in enumerate(tricks):
            self._put(f"term{i}", trick, on)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            player: torch.optim.Adam(network.parameters(), 0.01)
            for player, network in self.networks.items()
        }
        self.game.set_optimizers(self.optimizers)

    def _put(self, name: str, trick: Trick, on: Sequence[str]) -> None:
        if isinstance(trick, WeightTerm):
            for player in on:
                own = copy.deepcopy(trick)
                own.attach([*self.networks[player].parameters()])
                self.game.weight_terms[player][name] = own
            return
        if isinstance(trick, Pool):
            trick.attach((1, 2, 2))
        self.game.adversary("discriminator").add(name, trick)

    def play(self, steps: int, start: int = 0) -> dict[str, Tensor]:
        """Let both players learn for some steps; the last losses by player and name."""
        seen = {}
        for step in range(start, start + steps):
            torch.manual_seed(step)
            batch: Batch = {"image": torch.rand(6, 1, 2, 2), "label": torch.randint(2, (6,))}
            for player in PLAYERS:
                for other, network in self.networks.items():
                    network.requires_grad_(other == player)
                progress = Progress(step, step / 2, step / 10)
                losses = self.game.turn(player, batch, progress).minimise
                self.optimizers[player].zero_grad()
                torch.stack(list(losses.values())).sum().backward()
                self.optimizers[player].step()
                seen |= {f"{player}/{name}": loss.detach() for name, loss in losses.items()}
        return seen

    def weights(self) -> list[Tensor]:
        """Of both networks."""
        return [p.detach() for network in self.networks.values() for p in network.parameters()]

    def equals(self, other: "Tiny") -> bool:
        """Whether both have the same weights, bit for bit."""
        return all(map(torch.equal, self.weights(), other.weights()))
