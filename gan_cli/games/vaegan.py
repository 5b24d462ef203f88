"""VAE/GAN: a variational autoencoder whose likeness D measures (Larsen et al. 2016)."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gan_cli.data.fields import Batch
from gan_cli.games.base import Losses, PlayerSpec
from gan_cli.games.latents import Noise
from gan_cli.games.losses import Loss
from gan_cli.games.two_way import TwoWay
from gan_cli.networks import vaegan
from gan_cli.networks.roles import Encoder, Generator, drawn
from gan_cli.ranges import Count, NonNegative, Probability
from gan_cli.tricks.examples import Progress, RealFakeBatch

EQUILIBRIUM = 0.68
"""Cost of real and of fake images that the authors' code aims at; log 2 is that of D = 1/2."""


class VAEGAN(TwoWay):
    """Encoder, decoder and D, a player each, so that each gradient reaches whom it is for.

    E minimises KL(q(z|x) || N(0, I)) + L_like, G w L_like + (1 - w) L_GAN, D the loss on real
    images, reconstructions and samples (algorithm 1). L_like is half the squared distance of
    D_l(x) and D_l(G(z)), D's layer l, to which it is no loss. The fakes of both kinds count one
    each for G, as in the paper.

    In the authors' code all three gradients are of the same weights; here D steps first.

    Args:
        latent_dim: length of z ~ N(0, I).
        generator: the decoder.
        encoder: images to mean and log variance.
        discriminator: judges and compares.
        loss: what D and G minimise; minimax in the authors' code.
        likeness_weight: w; 1e-5 in the authors' code for faces, since L_like is a sum over
            thousands of numbers.
        real_share: of D's gradient that real images have.
        margin: D does not learn where its cost of real or fake images is below 0.68 - margin, G
            not where one is above 0.68 + margin, but both do where neither would; null: all
            always learn. Of a loss that is no cross-entropy there are no such costs.

    Raises:
        ValueError: networks of another latent_dim, an encoder without a variance, or a margin with
            another loss.
    """

    players_in_order = ("discriminator", "encoder", "generator")

    def __init__(
        self,
        latent_dim: Count,
        generator: Generator,
        encoder: Encoder,
        discriminator: vaegan.Discriminator,
        loss: Loss,
        likeness_weight: Probability = 1e-5,
        real_share: Probability = 0.5,
        margin: NonNegative | None = 0.35,
        noise: Noise = "normal",
    ) -> None:
        super().__init__(latent_dim, generator, encoder, discriminator, loss, noise)
        if not encoder.gaussian:
            raise ValueError("encoder: gives no variance, which VAE/GAN needs; take vaegan.Encoder")
        if margin is not None and not loss.bounds_divergence:
            raise ValueError(
                f"margin={margin}: {type(loss).__name__} has no such costs; take "
                "loss=non_saturating or minimax, or margin=null"
            )
        self.likeness_weight, self.real_share, self.margin = likeness_weight, real_share, margin
        self._plays: Tensor | None = None

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """D, E, and G."""
        return {
            "discriminator": PlayerSpec([self.adversary("discriminator").network]),
            "encoder": PlayerSpec([self.encoder]),
            "generator": PlayerSpec([self.generator]),
        }

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on real images [N, C, H, W]."""
        x = batch["image"]
        match player:
            case "discriminator":
                return self.discriminator_turn(x, None, progress)
            case "encoder":
                return self.encoder_turn(x)
        return self.generator_turn(x, None, progress)

    def discriminator_turn(self, x: Tensor, label: Tensor | None, progress: Progress) -> Losses:
        """D on real images, and on reconstructions and samples made without a graph."""
        adversary = self.adversary("discriminator")
        with torch.no_grad():
            fake = self._both_fakes(x)
        seen = adversary(self._reals(x), fake, None, progress, "discriminator")
        losses = adversary.discriminator_losses(seen, self.real_share)
        watch = adversary.watch(seen)
        if self.margin is not None:
            plays, self._plays = who_plays(seen, self.margin)
            losses = {name: weighed(loss, plays) for name, loss in losses.items()}
            watch |= {"health/plays_D": plays, "health/plays_G": self._plays}
        self.observe("discriminator", seen)
        return Losses(losses, watch)

    def encoder_turn(self, x: Tensor) -> Losses:
        """E: a code that is like z, from which images come back alike."""
        code = self.encoder(x).float()
        mean, log_variance = code.chunk(2, dim=1)
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
        return Losses({"kl": kl, "likeness": self._unlike(x, self.generator(drawn(code), None))})

    def generator_turn(self, x: Tensor, label: Tensor | None, progress: Progress) -> Losses:
        """G: reconstructions that are alike, and both kinds of fakes that D takes for real."""
        adversary, w = self.adversary("discriminator"), self.likeness_weight
        fake = self._both_fakes(x)
        seen = adversary(self._reals(x), fake, None, progress, "generator")
        losses = {name: 2 * (1 - w) * v for name, v in adversary.generator_losses(seen).items()}
        losses["likeness"] = w * self._unlike(x, fake[: len(x)])
        if self.margin is not None and self._plays is not None:
            losses = {name: weighed(loss, self._plays) for name, loss in losses.items()}
        return Losses(losses)

    def _both_fakes(self, x: Tensor) -> Tensor:
        """As many reconstructions and samples as images [N, C, H, W], [2 N, C, H, W]."""
        with torch.no_grad():  # what G is judged by never reaches E
            z = self.encoder.sample(x)
        return torch.cat([self.generator(z, None).float(), self.fakes(len(x), None, x.device)])

    def _reals(self, x: Tensor) -> Tensor:
        """As many as there are fakes where a loss or a penalty may make pairs of them."""
        adversary = self.adversary("discriminator")
        return torch.cat([x, x]) if adversary.loss.generator_sees_real or adversary.terms else x

    def _unlike(self, x: Tensor, made: Tensor) -> Tensor:
        """Half the squared distance by D's layer, the mean over images (equation 7)."""
        network = self.adversary("discriminator").network
        assert isinstance(network, vaegan.Discriminator)
        with torch.no_grad():
            wanted = network.likeness(x)
        return 0.5 * ((network.likeness(made.float()) - wanted) ** 2).sum(1).mean()


def weighed(loss: Tensor, weight: Tensor) -> Tensor:
    """A loss whose gradient is `weight` times as large; its value stays, for the curves."""
    return loss.detach() + weight * (loss - loss.detach())


def who_plays(seen: RealFakeBatch, margin: float) -> tuple[Tensor, Tensor]:
    """Whether D learns from a turn, and G in the next: 0 or 1 each, scalars."""
    with torch.no_grad():
        costs = softplus(-seen.real.logits).mean(), softplus(seen.fake.logits).mean()
        cost = torch.stack(costs)
        d_waits, g_waits = (cost < EQUILIBRIUM - margin).any(), (cost > EQUILIBRIUM + margin).any()
        neither = d_waits & g_waits
        return (~d_waits | neither).to(cost), (~g_waits | neither).to(cost)
