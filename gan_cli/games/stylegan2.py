"""StyleGAN2: the plain game with a generator that goes by styles (Karras et al. 2019, 2020)."""

import dataclasses
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.games import latents
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LookUp, Request, Sheet
from gan_cli.games.two_player import TwoPlayer
from gan_cli.networks.roles import Discriminator, StyleGenerator
from gan_cli.ranges import Count

SIDE = 7
"""Rows and columns of the sheet of mixed styles."""


class StyleGAN2(TwoPlayer):
    """G against D, and what can be drawn of styles: truncated, and mixed.

    Its losses are those of `TwoPlayer`; R1 and path length are tricks.

    Args:
        latent_dim: length of z ~ N(0, I).
        generator: z and labels to styles, styles to images.
        discriminator: images and labels to logits and features.
        loss: what both minimise.
        n_critic: D's turns per G's turn.

    Raises:
        ValueError: a generator that takes another latent_dim.
    """

    needs = {"image": ("image",)}  # noqa: RUF012
    takes = TwoPlayer.takes | {"psi", "crossover"}
    generator: StyleGenerator

    def __init__(
        self,
        latent_dim: Count,
        generator: StyleGenerator,
        discriminator: Discriminator,
        loss: Loss,
        n_critic: Count = 1,
    ) -> None:
        super().__init__(latent_dim, generator, discriminator, loss, n_critic)

    def complete(self, request: Request) -> Request:
        """Latents and labels; those of a grid of mixed styles, where a crossover is asked for.

        Raises:
            UserError: classes or layers are asked for that the game does not know.
        """
        if request.crossover is None or request.others is not None:
            return super().complete(request)
        last = self.generator.layer_count - 1
        if not 1 <= request.crossover <= last:
            raise UserError(f"crossover={request.crossover}: this model takes 1 to {last}")
        columns = latents.square_columns(request.count)
        rows = math.ceil(request.count / columns)
        row, column = (
            torch.arange(request.count).div(columns, rounding_mode="floor"),
            torch.arange(request.count) % columns,
        )
        label = None if request.label is None else request.label[:rows]
        ends = super().complete(
            dataclasses.replace(request, count=rows, label=label, crossover=None)
        )
        others = latents.draw_latents(columns, self.latent_dim, request.seed + 1)
        assert ends.latents is not None
        return dataclasses.replace(
            request,
            latents=ends.latents[row],
            label=None if ends.label is None else ends.label[row],  # one a row
            others=others[column],
        )

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Images of the latents and labels that are asked for; beside real ones, where given."""
        if request.psi is None and request.others is None:
            return super().draw(request)
        assert request.latents is not None
        network = ChangedStyles(self.generator, request.psi, request.crossover)
        made = latents.in_chunks(network, request.latents, request.label, request.others)
        beside = {"real": request.inputs["image"]} if "image" in request.inputs else {}
        kind = self.fields["image"].kind
        return Drawing({**beside, "fake": made}, "fake", kind, label=request.label)

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """As of the plain game, and coarse styles a row with fine ones a column."""
        middle = self.generator.layer_count // 2
        mixed = self.complete(Request(SIDE**2, seed, crossover=middle))
        return {**super().sheets(look_up, seed), "style_mixing": Sheet(mixed, SIDE)}


class ChangedStyles(nn.Module):
    """A generator whose styles are changed on their way.

    Args:
        generator: it.
        psi: how far from their mean styles lie, 1 for as far as they do (the truncation trick,
            Karras et al. 2019, appendix B); null leaves them.
        crossover: the layer from which the other latents' styles are taken.
    """

    def __init__(self, generator: StyleGenerator, psi: float | None, crossover: int | None) -> None:
        super().__init__()
        self.generator, self.psi, self.crossover = generator, psi, crossover

    def forward(self, z: Tensor, y: Tensor | None = None, others: Tensor | None = None) -> Tensor:
        """Images [N, C, H, W] of z [N, latent_dim], labels y [N], and the others' z."""
        styles = self.generator.styles(z, y)
        if others is not None:
            late = self.generator.styles(others, y)[:, self.crossover :]
            styles = torch.cat([styles[:, : self.crossover], late], dim=1)
        if self.psi is not None:
            styles = self.generator.style_mean.lerp(styles, self.psi)
        return self.generator.synthesize(styles)
