"""The plain game: one generator against one discriminator."""

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gan_cli.data.fields import Batch
from gan_cli.games import latents
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game, Losses, PlayerSpec
from gan_cli.games.just_made import MadeOnce
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LatentPart, LookUp, Request, Sheet, Trial
from gan_cli.networks.roles import Discriminator, Generator
from gan_cli.ranges import Count
from gan_cli.tricks.examples import Progress

SHOWN, POINTS_SHOWN = 64, 2048
"""Images in a grid; points in a scatter plot."""
MOST_COLUMNS = 16
"""Classes that get a column of a grid."""
ROWS, FRAMES = 8, 10
"""Interpolations shown, and images along each."""


class TwoPlayer(Game):
    """G against D (Goodfellow et al. 2014), with labels where the networks take them.

    Args:
        latent_dim: length of z.
        generator: z [N, latent_dim] and labels to images [N, C, H, W] in [-1, 1].
        discriminator: images and labels to logits and features.
        loss: what both minimise.
        n_critic: D's turns per G's turn.
        generator_batch_multiple: fakes of G's turn, as a multiple of the batch size; 2 in the code
            of WGAN-GP and SNGAN on CIFAR-10 (GEN_BS_MULTIPLE).
        noise: what z is: N(0, I), or uniform in [-1, 1].
        reuse_fakes: G learns from the fakes that D was shown last, as in the code of DCGAN's
            authors, and not from fresh ones, as in Goodfellow's algorithm 1. G is asked once a step
            and not twice; where `trainer.accumulate` plays a batch in parts, which is to save
            memory, it makes them anew of the same latents.

    Raises:
        ValueError: a generator that takes another latent_dim; other counts of fakes for D and G,
            where they are to be the same.
    """

    needs = {"image": ("image", "point")}  # noqa: RUF012
    takes = frozenset({"label", "truncation", "standing", "interpolate"})

    def __init__(
        self,
        latent_dim: Count,
        generator: Generator,
        discriminator: Discriminator,
        loss: Loss,
        n_critic: Count = 1,
        generator_batch_multiple: Count = 1,
        noise: latents.Noise = "normal",
        reuse_fakes: bool = False,
    ) -> None:
        super().__init__()
        if reuse_fakes and generator_batch_multiple > 1:
            raise ValueError(
                f"generator_batch_multiple={generator_batch_multiple} asks for more fakes in G's "
                "turn than D was shown; set reuse_fakes=false, or generator_batch_multiple=1"
            )
        if generator.latent_dim != latent_dim:
            raise ValueError(
                f"generator.latent_dim={generator.latent_dim}, but latent_dim={latent_dim}; "
                "make them equal"
            )
        self.latent_dim, self.n_critic = latent_dim, n_critic
        self.generator_batch_multiple, self.noise = generator_batch_multiple, noise
        self.generator = generator
        self.adversaries["discriminator"] = Adversary(discriminator, loss)
        self.n_classes = max(generator.n_classes, discriminator.n_classes)
        self._reused = MadeOnce(self._made_of) if reuse_fakes else None
        self._shown: dict[int, Tensor] = {}  # z of D's last turn, by where its part begins

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """D plays `n_critic` batches, then G one."""
        return {
            "discriminator": PlayerSpec([self.adversary("discriminator").network], self.n_critic),
            "generator": PlayerSpec([self.generator]),
        }

    @property
    def averaged(self) -> Mapping[str, torch.nn.Module]:
        """G."""
        return {"generator": self.generator}

    @property
    def latents(self) -> Sequence[LatentPart]:
        """All of z is of one kind."""
        return [LatentPart(self.noise, self.latent_dim)]

    def set_optimizers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        """Meet G's weights, those that learn."""
        if self._reused is not None:
            self._reused.meet(optimizers["generator"])

    def begin_step(self) -> None:
        """What G has made is forgotten."""
        if self._reused is not None:
            self._reused.forget()
            self._shown = {}

    def on_skip(self) -> None:
        """G makes its fakes anew, of the same latents."""
        if self._reused is not None:
            self._reused.forget()

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on real images x [N, C, H, W] with labels [N]."""
        x, label = batch["image"], self.label_of(batch)
        if player == "discriminator":
            return self.discriminator_turn(x, label, progress)
        return self.generator_turn(x, label, progress)

    def discriminator_turn(self, x: Tensor, label: Tensor | None, progress: Progress) -> Losses:
        """D on real images and on fakes without a graph."""
        adversary = self.adversary("discriminator")
        if self._reused is not None and progress.phase != "lazy":
            z = self._shown[int(x.storage_offset())] = self._fresh_latents(len(x), x.device)
            fake = self._reused.put(x, z, label)[0].detach()
        else:
            with torch.no_grad():  # D's turn pays nothing for making fakes
                fake = self.fakes(len(x), label, x.device)
        batch = adversary(x, fake, label, progress, "discriminator")
        losses = Losses(adversary.discriminator_losses(batch), adversary.watch(batch))
        self.observe("discriminator", batch)
        return losses

    def generator_turn(self, x: Tensor, label: Tensor | None, progress: Progress) -> Losses:
        """G on fresh fakes, or on those D was shown last."""
        adversary = self.adversary("discriminator")
        if (k := self.generator_batch_multiple) > 1:
            x, label = x.repeat(k, 1, 1, 1), None if label is None else label.repeat(k)
        fake = self.fakes_for_generator(x, label)
        batch = adversary(x, fake, label, progress, "generator")
        return Losses(adversary.generator_losses(batch))

    def fakes_for_generator(self, x: Tensor, label: Tensor | None) -> Tensor:
        """Fakes of G's turn, as many as real images x, with a graph."""
        z = self._shown.get(int(x.storage_offset()))
        if self._reused is None or z is None:
            return self.fakes(len(x), label, x.device)
        return self._reused.take(x, z, label)[0]

    def fakes(self, count: int, label: Tensor | None, device: torch.device) -> Tensor:
        """`count` fresh images [N, C, H, W], float32 like real ones, also under autocast."""
        return self._fakes_of(self._fresh_latents(count, device), label)

    def _fresh_latents(self, count: int, device: torch.device) -> Tensor:
        return latents.fresh(count, self.latent_dim, device, self.noise)

    def _fakes_of(self, z: Tensor, label: Tensor | None) -> Tensor:
        return self.generator(z, label).float()

    def _made_of(self, _: Tensor, z: Tensor, label: Tensor | None) -> tuple[Tensor, ...]:
        return (self._fakes_of(z, label),)

    def label_of(self, batch: Batch) -> Tensor | None:
        """The labels [N] that the networks are told; None where they take none."""
        return batch["label"] if self.n_classes else None

    def complete(self, request: Request) -> Request:
        """Latents from the seed, and all classes in turn.

        Raises:
            UserError: classes are asked for that the game does not know.
        """
        return latents.complete(request, self.latent_dim, self.n_classes, self.noise)

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Images of the latents and labels that are asked for; beside real ones, where given."""
        assert request.latents is not None
        made = latents.in_chunks(self.generator, request.latents, request.label)
        beside = {"real": request.inputs["image"]} if "image" in request.inputs else {}
        return Drawing(
            {**beside, "fake": made}, "fake", self.fields["image"].kind, label=request.label
        )

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """The same latents over the run, real beside fake, interpolations between latents."""
        if self.fields["image"].kind == "point":
            request = self.complete(Request(POINTS_SHOWN, seed))
            return {"samples": Sheet(_beside(request, look_up(POINTS_SHOWN, None)))}
        columns = min(self.n_classes, MOST_COLUMNS) or None
        count = max(SHOWN // columns, 1) * columns if columns else SHOWN
        label = latents.spread_labels(count, self.n_classes, range(columns or 0))
        request = _beside(self.complete(Request(count, seed, label)), look_up(count, label))
        headings = range(columns or 0)
        return {
            "samples": Sheet(request, columns, headings, panels=("fake",)),
            "real_and_fake": Sheet(request, columns, headings),
            "interpolation": Sheet(
                latents.interpolated(self.complete(Request(ROWS + 1, seed)), FRAMES), FRAMES
            ),
        }

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """D takes the images for real."""
        return {"discriminator": (batch["image"], self.label_of(batch))}

    def trials(self) -> Mapping[str, Trial]:
        """Fakes against real images."""
        return {"": Trial(real="image")}


def _beside(request: Request, real: Batch) -> Request:
    return dataclasses.replace(request, inputs={"image": real["image"]})
