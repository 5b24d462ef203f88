"""Progressive growing: both networks gain level after level (Karras et al. 2018)."""

import dataclasses
from collections.abc import Collection, Mapping

from torch import Tensor

from gan_cli.data.fields import Batch
from gan_cli.games.base import Losses
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, Request
from gan_cli.games.two_player import TwoPlayer
from gan_cli.networks.progan import Discriminator, Generator, Growing, as_grown, levels
from gan_cli.ranges import Count, Natural
from gan_cli.tricks.examples import Progress


class ProGAN(TwoPlayer):
    """G against D, of which more and more is in use.

    A level is trained for `steady_images`, then the next one is faded in over `fade_images`, in G,
    in D and in the real images. Both optimizers forget what they remember where a fade begins and
    where it ends, as in the authors' code.

    Args:
        latent_dim: length of z ~ N(0, I), which G puts on the unit sphere.
        generator: grows.
        discriminator: grows along.
        loss: what both minimise.
        steady_images: real images that a level is trained on before the next one comes.
        fade_images: over which that one is faded in; 0: it is there at once.
        n_critic: D's turns per G's turn.

    Raises:
        ValueError: networks of another depth than each other, or a generator that takes another
            latent_dim.
    """

    needs = {"image": ("image",)}  # noqa: RUF012
    generator: Generator

    def __init__(
        self,
        latent_dim: Count,
        generator: Generator,
        discriminator: Discriminator,
        loss: Loss,
        steady_images: Count = 600_000,
        fade_images: Natural = 600_000,
        n_critic: Count = 1,
    ) -> None:
        super().__init__(latent_dim, generator, discriminator, loss, n_critic)
        self.steady_images, self.fade_images = steady_images, fade_images
        depths = {part.depth for part in self._growing()}
        if len(depths) > 1:
            raise ValueError(
                "generator and discriminator have different image sizes; make image_size of both "
                "the data's"
            )

    def growth_after(self, images: int) -> float:
        """How far the networks have grown after so many real images, in [0, depth]."""
        level, passed = divmod(images, self.steady_images + self.fade_images)
        faded = max(passed - self.steady_images, 0) / self.fade_images if self.fade_images else 0.0
        return min(level + faded, float(self.generator.depth))

    def on_step(self, progress: Progress) -> None:
        """Grow."""
        super().on_step(progress)
        for part in self._growing():
            part.grow_to(self.growth_after(progress.images))

    def fresh(self, before: Progress, now: Progress) -> Collection[str]:
        """Everyone, where a fade begins or ends."""
        old, new = (self.growth_after(progress.images) for progress in (before, now))
        same = levels(old)[0] == levels(new)[0] and int(old) == int(new)
        return () if same else self.players_in_order

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on real images [N, C, H, W], shown as coarse as G's are."""
        return super().losses(player, {**batch, "image": self._as_grown(batch["image"])}, progress)

    def draw(self, request: Request) -> Drawing:
        """Images of the latents and labels that are asked for; real ones beside are as coarse."""
        inputs = {name: self._as_grown(x) for name, x in request.inputs.items()}
        return super().draw(dataclasses.replace(request, inputs=inputs))

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """D takes images for real that are as coarse as G's."""
        return super().real_examples({**batch, "image": self._as_grown(batch["image"])})

    def _growing(self) -> list[Growing]:
        return [part for part in self.modules() if isinstance(part, Growing)]

    def _as_grown(self, x: Tensor) -> Tensor:
        return as_grown(x, self.generator.growth, self.generator.depth)
