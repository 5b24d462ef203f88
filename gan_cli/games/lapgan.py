"""LAPGAN: a pyramid of games, each of which learns the detail that the coarser lack."""

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from gan_cli import randomness
from gan_cli.data.fields import Batch
from gan_cli.games import latents
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game, Losses, PlayerSpec
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LatentPart, LookUp, Request, Sheet, Trial
from gan_cli.games.two_player import MOST_COLUMNS, SHOWN
from gan_cli.networks.lapgan import Discriminators, Generator, enlarged, halved
from gan_cli.tricks.examples import Progress

MOST_LEVELS = 8


class LAPGAN(Game):
    """A G and a D for each level of a Laplacian pyramid (Denton et al. 2015).

    A level is trained on real images of its size. Those of the coarsest are made of noise. At a
    finer level G is given the real image, halved and enlarged again, and adds detail; D is shown
    the sum and the real image. No level waits for another: only where images are drawn does one
    begin with what another made.

    Args:
        generator: the pyramid.
        discriminators: one a level.
        loss: what both minimise, at each level.
        together: whether all levels are trained in every step; else one after the other from the
            coarsest on, each for an equal share of the run.

    Raises:
        ValueError: pyramids of other depths than each other, or of more levels than players have
            names.
    """

    players_in_order = tuple(
        f"{role}_{level}" for level in range(MOST_LEVELS) for role in ("discriminator", "generator")
    )
    takes = frozenset({"label"})

    def __init__(
        self,
        generator: Generator,
        discriminators: Discriminators,
        loss: Loss,
        together: bool = True,
    ) -> None:
        super().__init__()
        self.levels = generator.depth + 1
        if len(discriminators.levels) != self.levels:
            raise ValueError("generator.depth and discriminators.depth differ; make them equal")
        if self.levels > MOST_LEVELS:
            raise ValueError(f"depth={generator.depth}: take {MOST_LEVELS - 1} or less")
        self.generator, self.together = generator, together
        for level, network in enumerate(discriminators.levels):
            self.adversaries[f"level_{level}"] = Adversary(network, loss)
        self.n_classes = max(generator.n_classes, discriminators.n_classes)

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """D and G of each level."""
        found = {}
        for level, network in enumerate([self.generator.base, *self.generator.finer]):
            judge = self.adversary(f"level_{level}").network
            found[f"discriminator_{level}"] = PlayerSpec([judge])
            found[f"generator_{level}"] = PlayerSpec([network])
        return found

    @property
    def averaged(self) -> Mapping[str, nn.Module]:
        """The whole pyramid."""
        return {"generator": self.generator}

    @property
    def latents(self) -> Sequence[LatentPart]:
        """The noise of all levels, from the coarsest on."""
        return [LatentPart("uniform", self.generator.latent_dim)]

    def turns(self, player: str, progress: Progress) -> int:
        """One, where the level is being trained."""
        level = int(player.rpartition("_")[2])
        return int(self.together or level == progress.value_of(self._level_at))

    def _level_at(self, progress: Progress) -> int:
        """Which level is trained, where they are one by one."""
        return min(int(progress.done * self.levels), self.levels - 1)

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one level's player on real images [N, C, H, W] with labels [N]."""
        role, _, number = player.rpartition("_")
        level, own = int(number), role == "discriminator"
        adversary, label = self.adversary(f"level_{level}"), self._label_of(batch)
        x, coarse = self._reals(batch["image"], level)
        noise = torch.rand(len(x), self.generator.noise_dims[level], device=x.device) * 2 - 1
        with torch.set_grad_enabled(not own):  # D's turn pays nothing for making fakes
            fake = self.generator.level(level, coarse, noise, label).float()
        seen = adversary(x, fake, label, progress, "discriminator" if own else "generator")
        if not own:
            return Losses(adversary.generator_losses(seen))
        losses = Losses(adversary.discriminator_losses(seen), adversary.watch(seen))
        self.observe(f"level_{level}", seen)
        return losses

    def complete(self, request: Request) -> Request:
        """Noise from the seed, and all classes in turn.

        Raises:
            UserError: classes are asked for that the game does not know.
        """
        if request.latents is None:
            source = randomness.generator("latents", request.seed)
            z = torch.rand(request.count, self.generator.latent_dim, generator=source) * 2 - 1
            request = dataclasses.replace(request, latents=z)
        return latents.complete(request, self.generator.latent_dim, self.n_classes)

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Images of the noise and labels that are asked for.

        Beside them, where real ones are given: what the finest level is given of those, and makes
        of it.
        """
        z, label = request.latents, request.label
        assert z is not None
        panels = {}
        if "image" in request.inputs:
            real = request.inputs["image"]
            device = next(self.generator.parameters()).device
            finest = self.levels - 1
            coarse = enlarged(halved(real))
            noise = z[:, -self.generator.noise_dims[finest] :].to(device)
            told = None if label is None else label.to(device)
            refined = self.generator.level(finest, coarse.to(device), noise, told)
            panels = {"real": real, "coarse": coarse, "refined": refined.clamp(-1, 1).float().cpu()}
        panels["fake"] = latents.in_chunks(self.generator, z, label)
        return Drawing(panels, "fake", label=label)

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """The same noise over the run, and real images that lost their detail and get another."""
        columns = min(self.n_classes, MOST_COLUMNS) or None
        count = max(SHOWN // columns, 1) * columns if columns else SHOWN
        label = latents.spread_labels(count, self.n_classes, range(columns or 0))
        real = look_up(count, label)["image"]
        request = dataclasses.replace(
            self.complete(Request(count, seed, label)), inputs={"image": real}
        )
        headings = range(columns or 0)
        return {
            "samples": Sheet(request, columns, headings, panels=("fake",)),
            "refined": Sheet(request, columns, headings, panels=("real", "coarse", "refined")),
        }

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """Each level's D takes images of its size for real."""
        label = self._label_of(batch)
        return {
            f"level_{level}": (self._reals(batch["image"], level)[0], label)
            for level in range(self.levels)
        }

    def trials(self) -> Mapping[str, Trial]:
        """Fakes against real images."""
        return {"": Trial(real="image")}

    def _reals(self, x: Tensor, level: int) -> tuple[Tensor, Tensor | None]:
        """Real images of a level's size, and what a coarser one knows of them."""
        x = halved(x, self.levels - 1 - level)
        return x, enlarged(halved(x)) if level else None

    def _label_of(self, batch: Batch) -> Tensor | None:
        return batch["label"] if self.n_classes else None
