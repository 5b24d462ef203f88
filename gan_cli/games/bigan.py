"""BiGAN and ALI: an encoder is learned with G, against a D that sees image and z together."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gan_cli.data.fields import Batch
from gan_cli.games.base import Losses, PlayerSpec
from gan_cli.games.latents import fresh
from gan_cli.games.two_way import TwoWay
from gan_cli.tricks.base import Pool
from gan_cli.tricks.examples import Progress


class BiGAN(TwoWay):
    """Donahue et al. 2017, "Adversarial feature learning"; Dumoulin et al. 2017, ALI.

    D tells pairs (x, E(x)) from (G(z), z); G and E, one player, want it to take the one for the
    other (equation 3): besides G's loss on the fakes they minimise its mirror image on the reals,
    -log(1 - D(x, E(x))) where G's is -log D(G(z), z). At the optimum E inverts G. BiGAN's E is a
    function, ALI's a distribution.

    z takes the place of the label on its way to D: penalties are on the gradient at the image.
    """

    refuses = {Pool: "it shows D past fakes apart from the z that they were made of; drop it"}  # noqa: RUF012

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """D, then G and E together."""
        return {
            "discriminator": PlayerSpec([self.adversary("discriminator").network]),
            "generator": PlayerSpec([self.generator, self.encoder]),
        }

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on real images [N, C, H, W]."""
        adversary, x = self.adversary("discriminator"), batch["image"]
        own = player == "discriminator"
        with torch.set_grad_enabled(not own):  # D's turn pays nothing for making fakes
            z = fresh(len(x), self.latent_dim, x.device, self.noise)
            fake, code = self.generator(z, None).float(), self.encoder.sample(x)
        seen = adversary(x, fake, code, progress, player, fake_label=z)
        if own:
            losses = adversary.discriminator_losses(seen)
            self.observe("discriminator", seen)
            return Losses(losses, adversary.watch(seen))
        losses = adversary.generator_losses(seen)
        loss = adversary.loss
        if not loss.generator_sees_real:  # else it reaches E by itself
            middle = loss.decision_threshold or 0.0
            losses["encoder"] = loss.generator(2 * middle - seen.real.logits, None)
        return Losses(losses)

    @torch.no_grad()
    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """D takes the images with their codes for real."""
        return {"discriminator": (batch["image"], self.encoder.sample(batch["image"]))}
