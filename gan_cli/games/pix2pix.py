"""pix2pix: an image to the one that belongs to it, learned from pairs (Isola et al. 2017)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gan_cli.data.fields import Batch
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game, Losses, PlayerSpec
from gan_cli.games.just_made import MadeOnce
from gan_cli.games.latents import in_chunks
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LookUp, Request, Sheet, Trial
from gan_cli.networks.roles import Discriminator, Translator
from gan_cli.ranges import NonNegative
from gan_cli.tricks.examples import Progress, RealFakeBatch

SHOWN, COLUMNS = 16, 2
"""Pairs in a sheet, and how many of them a row."""


class Pix2Pix(Game):
    """G against a D that sees source and image together; G also aims at the target itself.

    L_G = adversarial + l1_weight ||target - G(source)||_1 (equations 3 and 4). D's loss is halved,
    which slows it down (section 3.3). There is no z: dropout in G is the noise of training, and
    none is drawn when samples are.

    Args:
        generator: source [N, C, H, W] to images like the target.
        discriminator: takes source and image as the channels of one, [N, C + C', H, W].
        loss: what both minimise.
        l1_weight: lambda; 100 in the paper.
    """

    needs = {"source": ("image",), "target": ("image",)}  # noqa: RUF012
    takes = frozenset({"input"})

    def __init__(
        self,
        generator: Translator,
        discriminator: Discriminator,
        loss: Loss,
        l1_weight: NonNegative = 100.0,
    ) -> None:
        super().__init__()
        self.generator, self.l1_weight = generator, l1_weight
        self.adversaries["discriminator"] = Adversary(discriminator, loss)
        # as in the authors' code; asked twice, a step of 64 pixels takes a fifth longer
        self._made = MadeOnce(self._output)

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """D first, as the authors have it."""
        return {
            "discriminator": PlayerSpec([self.adversary("discriminator").network]),
            "generator": PlayerSpec([self.generator]),
        }

    @property
    def averaged(self) -> Mapping[str, nn.Module]:
        """G."""
        return {"generator": self.generator}

    def set_optimizers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        """Meet G's weights, those that learn."""
        self._made.meet(optimizers["generator"])

    def begin_step(self) -> None:
        """What was made is forgotten."""
        self._made.forget()

    def on_skip(self) -> None:
        """What was made is forgotten."""
        self._made.forget()

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on pairs `source`, `target`, [N, C, H, W] each."""
        adversary = self.adversary("discriminator")
        if player == "discriminator":
            (fake,) = self._made.put(batch["source"])
            seen = self._before(batch, fake.detach(), progress, player)
            losses = adversary.discriminator_losses(seen)
            losses["adversarial"] = 0.5 * losses["adversarial"]
            self.observe("discriminator", seen)
            return Losses(losses, adversary.watch(seen))
        (fake,) = self._made.take(batch["source"])
        losses = adversary.generator_losses(self._before(batch, fake, progress, player))
        return Losses(losses | {"l1": self.l1_weight * l1_loss(fake, batch["target"])})

    def _output(self, source: Tensor) -> tuple[Tensor]:
        return (self.generator(source).float(),)

    def _before(self, batch: Batch, fake: Tensor, progress: Progress, player: str) -> RealFakeBatch:
        """Pairs with the true and with the made image before D."""
        real = self.real_examples(batch)["discriminator"][0]
        fake = torch.cat([batch["source"], fake], dim=1)
        return self.adversary("discriminator")(real, fake, None, progress, player)

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """D takes source and target together for real."""
        return {"discriminator": (torch.cat([batch["source"], batch["target"]], dim=1), None)}

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Input, output, and the target where it is known."""
        source = request.inputs["source"]
        output = in_chunks(self.generator, source)
        target = {"target": request.inputs["target"]} if "target" in request.inputs else {}
        panels = {"input": source, "output": output} | target
        return Drawing({name: x.cpu() for name, x in panels.items()}, "output")

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """Input, output and target of the same pairs over the run."""
        pairs = look_up(SHOWN, None)
        return {"samples": Sheet(Request(len(pairs["source"]), seed, inputs=pairs), COLUMNS)}

    def trials(self) -> Mapping[str, Trial]:
        """Each output against its target."""
        return {"": Trial(real="target", inputs=("source",), paired=True)}
