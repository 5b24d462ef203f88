"""Between z and image, both ways: a plain game with an encoder beside its generator."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gan_cli.games.latents import Noise, in_chunks
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LookUp, Request, Sheet, Trial
from gan_cli.games.two_player import SHOWN, TwoPlayer
from gan_cli.networks.roles import Discriminator, Encoder, Generator
from gan_cli.ranges import Count

PAIRS_SHOWN = SHOWN // 2
RECONSTRUCTION = "reconstruction"


class TwoWay(TwoPlayer):
    """What BiGAN and VAE/GAN have in common: how they are drawn from, shown and measured.

    Given latents it draws like the plain game; given images it draws G(E(x)) beside them, with the
    mean where E(x) is a distribution.

    Args:
        latent_dim: length of z.
        generator: z [N, latent_dim] to images [N, C, H, W].
        encoder: back.
        discriminator: judges.
        loss: what all minimise.
        noise: what z is.

    Raises:
        ValueError: a generator or an encoder of another latent_dim.
    """

    needs = {"image": ("image",)}  # noqa: RUF012
    takes = frozenset({"truncation", "interpolate", "input"})

    def __init__(
        self,
        latent_dim: Count,
        generator: Generator,
        encoder: Encoder,
        discriminator: Discriminator,
        loss: Loss,
        noise: Noise = "normal",
    ) -> None:
        super().__init__(latent_dim, generator, discriminator, loss, noise=noise)
        if encoder.latent_dim != latent_dim:
            raise ValueError(
                f"encoder.latent_dim={encoder.latent_dim}, but latent_dim={latent_dim}; "
                "make them equal"
            )
        self.encoder = encoder

    @property
    def averaged(self) -> Mapping[str, nn.Module]:
        """G and E."""
        return {"generator": self.generator, "encoder": self.encoder}

    @property
    def ways(self) -> Mapping[str, nn.Module]:
        """G alone draws."""
        return {"": self.generator}

    def complete(self, request: Request) -> Request:
        """Latents from the seed, but where there are images to reconstruct."""
        return request if "image" in request.inputs else super().complete(request)

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Images of the latents that are asked for, or given images and what comes back of them."""
        if request.latents is not None:
            return super().draw(request)
        x = request.inputs["image"]
        features = in_chunks(self.encoder.body, x)
        code = in_chunks(self.encoder.head, features)[:, : self.latent_dim]
        panels = {"input": x.cpu(), RECONSTRUCTION: in_chunks(self.generator, code)}
        return Drawing(panels, RECONSTRUCTION, self.fields["image"].kind, features=features)

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """Those of the plain game, and the same images reconstructed over the run."""
        images = {"image": look_up(PAIRS_SHOWN, None)["image"]}
        request = Request(len(images["image"]), seed, inputs=images)
        return {**super().sheets(look_up, seed), f"{RECONSTRUCTION}s": Sheet(request)}

    def trials(self) -> Mapping[str, Trial]:
        """Fakes against real images; held-out images against what comes back of them."""
        back = Trial(real="image", inputs=("image",), paired=True, encodes=True)
        return {**super().trials(), RECONSTRUCTION: back}

    def reconstruct(self, x: Tensor) -> Tensor:
        """G(z) with z drawn from E(x), float32 [N, C, H, W]."""
        return self.generator(self.encoder.sample(x), None).float()
