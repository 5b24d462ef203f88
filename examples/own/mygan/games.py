"""A game: who plays, what each player minimises, and what is drawn."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from gan_cli.data.fields import Batch
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game, Losses, PlayerSpec
from gan_cli.games.latents import in_chunks
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LookUp, Request, Sheet, Trial
from gan_cli.networks.roles import Discriminator, Translator
from gan_cli.ranges import NonNegative
from gan_cli.tricks.examples import Progress


class Inpainting(Game):
    """G fills the hole in the middle of an image, D tells filled from whole ones.

    Context encoders (Pathak et al. 2016): L_G = adversarial + weight ||x - G(hole(x))||^2.
    """

    needs: ClassVar = {"image": ("image",)}
    takes = frozenset({"input"})

    def __init__(
        self,
        generator: Translator,
        discriminator: Discriminator,
        loss: Loss,
        weight: NonNegative = 100.0,
    ) -> None:
        super().__init__()
        self.generator, self.weight = generator, weight
        self.adversaries["discriminator"] = Adversary(discriminator, loss)

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """D, then G, a batch each."""
        discriminator = self.adversary("discriminator").network
        return {
            "discriminator": PlayerSpec([discriminator]),
            "generator": PlayerSpec([self.generator]),
        }

    @property
    def averaged(self) -> Mapping[str, nn.Module]:
        """G."""
        return {"generator": self.generator}

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on images [N, C, H, W]."""
        adversary, x = self.adversary("discriminator"), batch["image"]
        own = player == "discriminator"
        with torch.set_grad_enabled(not own):
            fake = self.generator(with_hole(x)).float()
        seen = adversary(x, fake, None, progress, player)
        if own:
            return Losses(adversary.discriminator_losses(seen), adversary.watch(seen))
        difference = self.weight * mse_loss(fake, x)
        return Losses(adversary.generator_losses(seen) | {"difference": difference})

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """The image with its hole, filled, and as it was."""
        x = request.inputs["image"]
        hole = with_hole(x)
        panels = {"hole": hole, "filled": in_chunks(self.generator, hole), "original": x}
        return Drawing({name: images.cpu() for name, images in panels.items()}, "filled")

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """The same 16 images over the run."""
        images = look_up(16, None)
        return {"samples": Sheet(Request(len(images["image"]), seed, inputs=images), columns=2)}

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """D takes the whole images for real."""
        return {"discriminator": (batch["image"], None)}

    def trials(self) -> Mapping[str, Trial]:
        """Each filled image against the one it was made from."""
        return {"": Trial(real="image", inputs=("image",), paired=True)}


def with_hole(x: Tensor) -> Tensor:
    """Images [N, C, H, W] with the middle, half as wide as they, gray."""
    h, w = x.shape[-2] // 4, x.shape[-1] // 4
    x = x.clone()
    x[..., h:-h, w:-w] = 0.0
    return x
