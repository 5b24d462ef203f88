"""HiFi-GAN: a mel spectrogram to the sound it came from (Kong et al. 2020, arXiv:2010.05646)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, pad

from gan_cli.data.fields import Batch, Fields
from gan_cli.errors import UserError
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game, Losses, PlayerSpec
from gan_cli.games.just_made import MadeOnce
from gan_cli.games.latents import in_chunks
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LookUp, Request, Sheet, Trial
from gan_cli.games.several import mean_watch, summed
from gan_cli.networks.hifigan import recorded_maps
from gan_cli.networks.roles import DiscriminatorGroup, Vocoder
from gan_cli.ranges import Count, NonNegative
from gan_cli.tricks.examples import Progress, RealFakeBatch

SHOWN = 4
"""Clips in a sheet, a row each."""
AT_ONCE = 16
"""Waves that are made at once when they are drawn; each is long."""


class HiFiGAN(Game):
    """G against many discriminators, each of which hears another side of the same sound.

    L_D = w sum_k adversarial_k, L_G = w sum_k adversarial_k + feature_weight sum_k features_k
    + mel_weight ||mel(x) - mel(G(mel(x)))||_1 (equations 5 to 9), features_k the sum over D_k's
    layers, logits included, of the mean absolute difference. Both play on the same pieces of
    `segment` samples, cut at a random place of each clip, and on one copy of them; D first. G is
    given the bands of its own spectrogram, and compared in all.

    Args:
        generator: a mel spectrogram to a wave; its `mel` makes it of sound.
        period_discriminators: D by the period they listen for.
        scale_discriminators: D by how far they smooth.
        loss: what all minimise.
        segment: samples in a piece; 8192 in the paper's code.
        adversarial_weight: w, of both sides; 2, for the paper's least squares are without the 1/2
            that LSGAN's have here.
        feature_weight: 2 in the paper.
        mel_weight: 45 in the paper.

    Raises:
        ValueError: there is no discriminator.
    """

    needs = {"wave": ("wave",)}  # noqa: RUF012
    takes = frozenset({"input"})
    any_size = True

    def __init__(
        self,
        generator: Vocoder,
        period_discriminators: DiscriminatorGroup,
        scale_discriminators: DiscriminatorGroup,
        loss: Loss,
        segment: Count = 8192,
        adversarial_weight: NonNegative = 2.0,
        feature_weight: NonNegative = 2.0,
        mel_weight: NonNegative = 45.0,
    ) -> None:
        super().__init__()
        self.generator, self.segment = generator, segment
        self.adversarial_weight = adversarial_weight
        self.feature_weight, self.mel_weight = feature_weight, mel_weight
        self.mel = generator.mel.of_all_bands()
        for network in (*period_discriminators.items(), *scale_discriminators.items()):
            self.adversaries[network[0]] = Adversary(network[1], loss)
        if not self.adversaries:
            raise ValueError("no discriminator: give periods, or scales of at least 1")
        self._made = MadeOnce(self._pieces)  # as in the authors' code

    def bind(self, fields: Fields) -> None:
        """Meet the data's fields.

        Raises:
            UserError: its clips are shorter than a piece, or come at another rate.
        """
        super().bind(fields)
        wave, mel = fields["wave"], self.generator.mel
        if wave.rate != mel.sample_rate:
            raise UserError(
                f"model.generator.mel.sample_rate={mel.sample_rate}: the data has {wave.rate} "
                "samples a second; make them equal"
            )
        if self.segment % mel.hop or self.segment <= mel.n_fft:
            least = (mel.n_fft // mel.hop + 1) * mel.hop
            raise UserError(
                f"model.segment={self.segment}: not so many frames of mel.hop={mel.hop} samples, "
                f"or too short for mel.n_fft={mel.n_fft}; take a multiple of {mel.hop}, {least} at "
                "least"
            )
        if wave.shape[-1] < self.segment:
            raise UserError(
                f"model.segment={self.segment}: the data's pieces have {wave.shape[-1]} samples; "
                f"set data.length={self.segment} or more"
            )

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """All discriminators, then G."""
        return {
            "discriminator": PlayerSpec([self.adversary(n).network for n in self.adversaries]),
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
        """The turn of one player on clips `wave`, [N, 1, 1, T]."""
        if player == "discriminator":
            real, fake = self._made.put(batch["wave"])
            return self.discriminator_turn(real, fake.detach(), progress)
        real, fake = self._made.take(batch["wave"])
        return self.generator_turn(real, fake, progress)

    def _pieces(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """A piece of each clip, and its copy."""
        real = self.cut(clips)
        return real, self.copy(real)

    def discriminator_turn(self, real: Tensor, fake: Tensor, progress: Progress) -> Losses:
        """Every D on pieces and their copies, [N, 1, 1, segment] each."""
        losses, watch = [], []
        for name in self.adversaries:
            adversary = self.adversary(name)
            seen = adversary(real, fake, None, progress, "discriminator")
            losses.append(self._weighed(adversary.discriminator_losses(seen)))
            watch.append(adversary.watch(seen))
            self.observe(name, seen)
        return Losses(summed(losses), mean_watch(watch))

    def generator_turn(self, real: Tensor, fake: Tensor, progress: Progress) -> Losses:
        """G against every D, towards what each finds in the piece, and towards its spectrogram."""
        losses = []
        for name in self.adversaries:
            adversary = self.adversary(name)
            with recorded_maps(adversary.network) as maps:
                seen = adversary(real, fake, None, progress, "generator")
                apart = features_apart(seen, maps)
            found = self._weighed(adversary.generator_losses(seen))
            losses.append(found | {"features": self.feature_weight * apart})
        mel = l1_loss(self.mel(fake), self.mel(real))
        return Losses(summed(losses) | {"mel": self.mel_weight * mel})

    def cut(self, wave: Tensor) -> Tensor:
        """A piece of each clip from a random place: [N, 1, 1, T] -> [N, 1, 1, segment]."""
        count, room = len(wave), wave.shape[-1] - self.segment
        start = torch.randint(room + 1, (count, 1), device=wave.device)
        index = start + torch.arange(self.segment, device=wave.device)  # [N, segment]
        return wave.flatten(1).gather(1, index)[:, None, None]

    def copy(self, wave: Tensor) -> Tensor:
        """What G makes of a wave's spectrogram, [N, 1, 1, T], float32; T a multiple of the hop."""
        return self.generator(self.generator.mel(wave)).float()

    def _weighed(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        return losses | {"adversarial": self.adversarial_weight * losses["adversarial"]}

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """Every D takes pieces for real; here those from the middle of each clip."""
        start = (batch["wave"].shape[-1] - self.segment) // 2
        piece = batch["wave"][..., start : start + self.segment]
        return dict.fromkeys(self.adversaries, (piece, None))

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Each clip, of any length, beside its copy."""
        wave, mel = request.inputs["wave"], self.generator.mel
        length = wave.shape[-1]
        least = max(length, mel.n_fft)  # shorter ones cannot be mirrored at their ends
        padded = pad(wave, (0, -(-least // mel.hop) * mel.hop - length))
        frames = mel(padded.to(mel.window.device))
        made = in_chunks(self.generator, frames, size=AT_ONCE)[..., :length]
        panels = {"original": wave.cpu(), "copy": made}
        return Drawing(panels, "copy", "wave", rate=self.fields["wave"].rate)

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """The same clips and their copies over the run."""
        clips = look_up(SHOWN, None)
        return {"samples": Sheet(Request(len(clips["wave"]), seed, inputs=clips), columns=1)}

    def trials(self) -> Mapping[str, Trial]:
        """Each copy against its clip."""
        return {"": Trial(real="wave", inputs=("wave",), paired=True)}


def features_apart(seen: RealFakeBatch, maps: list[Tensor]) -> Tensor:
    """How differently a D sees two batches: mean |difference| of each layer's maps, summed.

    Args:
        seen: that D has not yet been asked about.
        maps: where its layers' maps arrive, see `recorded_maps`.
    """
    fake_logits, count = seen.fake.logits, len(maps)
    real_logits = seen.real.logits
    pairs = [
        *zip(maps[:count], maps[count:], strict=True),
        (fake_logits, real_logits),
    ]
    return torch.stack([l1_loss(fake.float(), real.float()) for fake, real in pairs]).sum()
