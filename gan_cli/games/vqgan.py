"""VQGAN's autoencoder: images as maps of entries of a codebook, and back (Esser et al. 2021)."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from gan_cli.data.fields import Batch
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Losses
from gan_cli.games.late_judge import LateJudge
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LookUp, Request, Sheet, Trial
from gan_cli.networks.perceptual import Kind, Perceptual
from gan_cli.networks.roles import Discriminator
from gan_cli.networks.vqgan import CodedAutoencoder
from gan_cli.ranges import Natural, NonNegative
from gan_cli.tricks.examples import Progress

SHOWN, COLUMNS, CHUNK = 32, 4, 64
"""Images in a sheet, how many of them a row, and how many are drawn at once."""
LARGEST = 1e4
"""Bound of the adaptive weight, as in the authors' code."""


class VQGAN(LateJudge):
    """An autoencoder through a codebook, against a D that judges patches of what it makes.

    L_G = ||x - G(x)||_1 + perceptual_weight L_percep + codebook_weight (||sg[E(x)] - z_q||^2
    + commitment ||sg[z_q] - E(x)||^2) + lambda L_adv (equations 4 to 7), where
    lambda = adversarial_weight ||grad L_rec|| / (||grad L_adv|| + 1e-4) at the decoder's last
    layer, and L_rec the first two terms. D joins after `adversarial_start` steps; its loss is
    halved. G plays first, D sees what G makes after that, as in the authors' code.

    Args:
        generator: encoder, codebook and decoder.
        discriminator: judges images.
        loss: what both minimise; hinge in the paper.
        perceptual: which features the perceptual loss compares; see `Perceptual`.
        adversarial_start: steps before D plays.
        perceptual_weight: of what a classifier sees.
        codebook_weight: of both distances between encodings and entries.
        commitment: beta, of the encodings' way to their entries.
        adversarial_weight: times the adaptive weight.
    """

    rebuilt = "image"
    generator: CodedAutoencoder
    players_in_order = ("generator", "discriminator")
    takes = frozenset({"input"})

    def __init__(
        self,
        generator: CodedAutoencoder,
        discriminator: Discriminator,
        loss: Loss,
        perceptual: Kind = "lpips",
        adversarial_start: Natural = 0,
        perceptual_weight: NonNegative = 1.0,
        codebook_weight: NonNegative = 1.0,
        commitment: NonNegative = 0.25,
        adversarial_weight: NonNegative = 0.8,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.adversaries["discriminator"] = Adversary(discriminator, loss)
        self.perceptual = Perceptual(perceptual)
        self.adversarial_start = adversarial_start
        self.perceptual_weight, self.codebook_weight = perceptual_weight, codebook_weight
        self.commitment, self.adversarial_weight = commitment, adversarial_weight

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on images x [N, C, H, W]."""
        x = batch["image"]
        if player == "discriminator":
            return self.discriminator_turn(x, progress)
        coded = self.generator.encode(x)
        self.generator.revive(coded)
        made = self.generator.decode(coded.quantized).float()
        losses = {"l1": l1_loss(made, x)}
        if self.perceptual_weight:
            losses["perceptual"] = self.perceptual_weight * self.perceptual(made, x)
        losses["codebook"] = self.codebook_weight * (
            mse_loss(coded.entry, coded.encoding.detach())
            + self.commitment * mse_loss(coded.encoding, coded.entry.detach())
        )
        if not progress.past(self.adversarial_start):
            return Losses(losses)
        adversary = self.adversary("discriminator")
        against = adversary.generator_losses(adversary(x, made, None, progress, player))
        rebuilding = losses["l1"] + losses.get("perceptual", 0.0)
        weight = self.adversarial_weight * self._balance(rebuilding, against["adversarial"])
        against["adversarial"] = weight * against["adversarial"]
        return Losses(losses | against, {"health/adaptive_weight": weight})

    def discriminator_turn(self, x: Tensor, progress: Progress) -> Losses:
        """D on images and on what the autoencoder makes of them."""
        adversary = self.adversary("discriminator")
        with torch.no_grad():
            made = self.generator(x).float()
        seen = adversary(x, made, None, progress, "discriminator")
        losses = adversary.discriminator_losses(seen)
        losses["adversarial"] = 0.5 * losses["adversarial"]
        self.observe("discriminator", seen)
        return Losses(losses, adversary.watch(seen))

    def _balance(self, rebuilding: Tensor, adversarial: Tensor) -> Tensor:
        """How much weaker D's pull at the last layer is than that of the pixels, a scalar."""
        last = self.generator.last_layer
        norms = [
            torch.autograd.grad(loss, last, retain_graph=True)[0].norm()
            for loss in (rebuilding, adversarial)
        ]
        return (norms[0] / (norms[1] + 1e-4)).clamp(0.0, LARGEST).detach()

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """D takes the images for real."""
        return {"discriminator": (batch["image"], None)}

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Images and what the codebook keeps of them."""
        source = request.inputs["image"]
        device = next(self.generator.parameters()).device
        coded = [self.generator.encode(x.to(device)) for x in source.split(CHUNK)]
        made = [self.generator.decode(c.quantized).float().clamp(-1, 1).cpu() for c in coded]
        entries = torch.cat([c.chosen for c in coded]).cpu()
        panels = {"input": source.cpu(), "reconstruction": torch.cat(made)}
        return Drawing(panels, "reconstruction", entries=entries)

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """The same images over the run, and their reconstructions."""
        images = {"image": look_up(SHOWN, None)["image"]}
        return {"samples": Sheet(Request(len(images["image"]), seed, inputs=images), COLUMNS)}

    def trials(self) -> Mapping[str, Trial]:
        """Each reconstruction against its image."""
        size = self.generator.codebook.num_embeddings
        return {"": Trial(real="image", inputs=("image",), paired=True, codebook=size)}
