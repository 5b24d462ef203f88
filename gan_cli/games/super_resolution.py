"""SRGAN and ESRGAN: a small image to a large one (Ledig et al. 2017, Wang et al. 2018)."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from gan_cli.data.fields import Batch, Fields
from gan_cli.errors import UserError
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Losses
from gan_cli.games.just_made import JustMade
from gan_cli.games.late_judge import LateJudge
from gan_cli.games.latents import in_chunks
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LookUp, Request, Sheet, Trial
from gan_cli.networks.perceptual import Kind, Perceptual
from gan_cli.networks.roles import Discriminator
from gan_cli.networks.superres import Upscaler, enlarge
from gan_cli.ranges import Natural, NonNegative
from gan_cli.tricks.examples import Progress

SHOWN, COLUMNS = 12, 3
"""Images in a sheet, and how many of them a row."""


class SuperResolution(LateJudge):
    """G learns to enlarge by the pixels alone; then D joins, and G learns what looks sharp.

    Up to `adversarial_start` steps L_G = ||target - G(source)||_1 and D rests. From then on
    L_G = l1_weight ||target - G(source)||_1 + perceptual_weight L_percep + adversarial_weight L_adv
    (ESRGAN, equation 3). G plays first, D sees the fakes that G has just made, as in BasicSR. A
    relativistic loss has two terms for G as well; there the mean of the two counts, for both.

    Args:
        generator: source [N, C, h, w] to images like the target, a power of two larger.
        discriminator: judges large images.
        loss: what both minimise.
        perceptual: which features the perceptual loss compares; see `Perceptual`.
        adversarial_start: steps before D plays.
        l1_weight: of the pixels from then on; ESRGAN's 0.01 is of pixels in [0, 1], which makes it
            0.005 here.
        perceptual_weight: 1 in BasicSR.
        adversarial_weight: 0.005 in BasicSR.
    """

    rebuilt = "target"
    generator: Upscaler
    players_in_order = ("generator", "discriminator")
    needs = {"source": ("image",), "target": ("image",)}  # noqa: RUF012
    takes = frozenset({"input"})
    any_size = True

    def __init__(
        self,
        generator: Upscaler,
        discriminator: Discriminator,
        loss: Loss,
        perceptual: Kind = "vgg19",
        adversarial_start: Natural = 0,
        l1_weight: NonNegative = 0.005,
        perceptual_weight: NonNegative = 1.0,
        adversarial_weight: NonNegative = 0.005,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.adversaries["discriminator"] = Adversary(discriminator, loss)
        self.perceptual = Perceptual(perceptual)
        self.adversarial_start, self.l1_weight = adversarial_start, l1_weight
        self.perceptual_weight, self.adversarial_weight = perceptual_weight, adversarial_weight
        self._share = 0.5 if loss.generator_sees_real else 1.0
        self._made = JustMade()

    def bind(self, fields: Fields) -> None:
        """Meet the data's fields.

        Raises:
            UserError: the target is not `scale` times as large as the source.
        """
        super().bind(fields)
        source, target = fields["source"].shape, fields["target"].shape
        wanted = [self.generator.scale * side for side in source[1:]]
        if list(target[1:]) != wanted:
            raise UserError(
                f"model.generator.scale={self.generator.scale}: makes {wanted[0]} pixels of "
                f"{source[1]}, and the data's `target` has {target[1]}; set it to "
                f"{target[1] // source[1]}, or data.scale"
            )

    def begin_step(self) -> None:
        """What was made is forgotten."""
        self._made.forget()

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on pairs `source` [N, C, h, w], `target` [N, C, H, W]."""
        adversary, target = self.adversary("discriminator"), batch["target"]
        if player == "discriminator":
            seen = adversary(target, self._made.take(progress)["made"], None, progress, player)
            losses = adversary.discriminator_losses(seen)
            losses["adversarial"] = self._share * losses["adversarial"]
            self.observe("discriminator", seen)
            return Losses(losses, adversary.watch(seen))
        made = self.generator(batch["source"]).float()
        pixels = l1_loss(made, target)
        self._made.put({"made": made}, progress)
        if not progress.past(self.adversarial_start):
            return Losses({"l1": pixels})
        seen = adversary(target, made, None, progress, player)
        losses = adversary.generator_losses(seen)
        losses["adversarial"] = self.adversarial_weight * self._share * losses["adversarial"]
        losses["l1"] = self.l1_weight * pixels
        if self.perceptual_weight:
            losses["perceptual"] = self.perceptual_weight * self.perceptual(made, target)
        return Losses(losses)

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """D takes the targets for real."""
        return {"discriminator": (batch["target"], None)}

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Input, its bicubic enlargement, output, and the target where it is known."""
        source = request.inputs["source"]
        panels = {
            "input": source,
            "bicubic": enlarge(source, self.generator.scale),
            "output": in_chunks(self.generator, source).clamp(-1.0, 1.0),
        }
        if "target" in request.inputs:
            panels["target"] = request.inputs["target"]
        return Drawing({name: x.cpu() for name, x in panels.items()}, "output")

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """The same pairs over the run."""
        pairs = look_up(SHOWN, None)
        return {"samples": Sheet(Request(len(pairs["source"]), seed, inputs=pairs), COLUMNS)}

    def trials(self) -> Mapping[str, Trial]:
        """Each output against its target, beside the bicubic enlargement."""
        return {"": Trial(real="target", inputs=("source",), paired=True, baseline="bicubic")}
