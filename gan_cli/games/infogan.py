"""InfoGAN: codes in z that mean something, without labels (Chen et al. 2016)."""

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gan_cli import randomness
from gan_cli.data.fields import Batch
from gan_cli.errors import UserError
from gan_cli.games.base import Losses, PlayerSpec
from gan_cli.games.latents import in_chunks, spread_labels
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LatentPart, LookUp, Request, Sheet
from gan_cli.games.two_player import TwoPlayer
from gan_cli.networks.infogan import CodeHead
from gan_cli.networks.roles import Discriminator, Generator
from gan_cli.ranges import Count, Natural, NonNegative
from gan_cli.tricks.base import Pool
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.layers import MinibatchDiscrimination, MinibatchStddev

COLUMNS = 10
REACH = 2.0
"""Continuous codes are shown from -REACH to REACH, twice as far as trained (figure 2)."""
READS_FEATURES = "it appends to D's features, which Q reads as they are; drop it"


class InfoGAN(TwoPlayer):
    """G is told a code, and Q, which shares D's features, has to guess it back from the image.

    Both players minimise L - code_weight I, with I the bound on the mutual information of code and
    image (equation 6): minus the cross-entropy of the category, minus half the squared error of
    the continuous codes, which are Gaussian around Q's guess with a standard deviation of 1. Q
    learns in D's turn, as in the authors' code.

    Args:
        latent_dim: length of all of z: noise, one number per category, continuous codes.
        categories: values of the categorical code, drawn evenly.
        continuous: how many continuous codes there are, uniform in [-1, 1], as the noise is.
        generator: z to images.
        discriminator: images to logits and features.
        code_head: Q; features to logits [N, categories] and means [N, continuous].
        loss: what both minimise besides.
        code_weight: lambda; 1 in the authors' code.

    Raises:
        ValueError: no noise is left in z, or a generator that takes another latent_dim.
    """

    takes = frozenset({"code", "continuous"})
    refuses = {  # noqa: RUF012
        MinibatchDiscrimination: READS_FEATURES,
        MinibatchStddev: READS_FEATURES,
        Pool: "it shows Q past fakes, whose codes are not those that Q is to guess; drop it",
    }

    def __init__(
        self,
        latent_dim: Count,
        categories: Count,
        continuous: Natural,
        generator: Generator,
        discriminator: Discriminator,
        code_head: CodeHead,
        loss: Loss,
        code_weight: NonNegative = 1.0,
    ) -> None:
        super().__init__(latent_dim, generator, discriminator, loss)
        self.noise_dim = latent_dim - categories - continuous
        if self.noise_dim < 1:
            raise ValueError(
                f"latent_dim={latent_dim}: {categories} categories and {continuous} continuous "
                f"codes leave no noise; take {categories + continuous + 1} or more"
            )
        self.categories, self.continuous = categories, continuous
        self.code_head, self.code_weight = code_head, code_weight

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """Q learns together with D."""
        discriminator = self.adversary("discriminator").network
        return {
            "discriminator": PlayerSpec([discriminator, self.code_head]),
            "generator": PlayerSpec([self.generator]),
        }

    @property
    def latents(self) -> Sequence[LatentPart]:
        """Noise, then the codes, as `join` has them."""
        parts = [LatentPart("uniform", self.noise_dim), LatentPart("one_hot", self.categories)]
        return [*parts, LatentPart("uniform", self.continuous)] if self.continuous else parts

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on real images [N, C, H, W]."""
        adversary, x = self.adversary("discriminator"), batch["image"]
        code = torch.randint(self.categories, (len(x),), device=x.device)
        continuous = torch.rand(len(x), self.continuous, device=x.device) * 2 - 1
        noise = torch.rand(len(x), self.noise_dim, device=x.device) * 2 - 1
        own = player == "discriminator"
        with torch.set_grad_enabled(not own):  # D's turn pays nothing for making fakes
            fake = self.generator(self.join(noise, code, continuous), None).float()
        seen = adversary(x, fake, None, progress, player)
        losses = (adversary.discriminator_losses if own else adversary.generator_losses)(seen)
        category, mean = self.code_head(seen.fake.features)
        losses["category"] = self.code_weight * cross_entropy(category.float(), code)
        if self.continuous:
            error = 0.5 * (mean.float() - continuous) ** 2  # [N, c]
            losses["continuous"] = self.code_weight * error.sum(1).mean()
        if own:
            self.observe("discriminator", seen)
        return Losses(losses, adversary.watch(seen) if own else {})

    def join(self, noise: Tensor, code: Tensor, continuous: Tensor) -> Tensor:
        """z [N, latent_dim] of noise [N, ...], categories int64 [N] and continuous codes [N, c]."""
        kinds = torch.arange(self.categories, device=code.device)
        one_hot = (code[:, None] == kinds).to(noise)  # torch's own makes the host wait for a check
        return torch.cat([noise, one_hot, continuous], dim=1)

    def complete(self, request: Request) -> Request:
        """Noise and whatever codes are left out from the seed; categories take turns.

        Raises:
            UserError: a code that the game does not have.
        """
        if request.latents is not None:
            return request
        n, source = request.count, randomness.generator("latents", request.seed)
        noise = torch.rand(n, self.noise_dim, generator=source) * 2 - 1
        continuous = torch.rand(n, self.continuous, generator=source) * 2 - 1
        if request.continuous is not None:
            if (given := request.continuous.shape[1]) != self.continuous:
                raise UserError(f"continuous: {given} codes, but the model has {self.continuous}")
            continuous = request.continuous
        code = request.code if request.code is not None else spread_labels(n, self.categories)
        assert code is not None
        if int(code.max()) >= self.categories:
            raise UserError(
                f"code={int(code.max())}: the model knows the codes 0 to {self.categories - 1}"
            )
        z = self.join(noise, code, continuous)
        return dataclasses.replace(request, latents=z, code=code, continuous=continuous)

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Images of the codes that are asked for."""
        assert request.latents is not None
        made = in_chunks(self.generator, request.latents, None)
        beside = {"real": request.inputs["image"]} if "image" in request.inputs else {}
        kind = self.fields["image"].kind
        return Drawing({**beside, "fake": made}, "fake", kind, code=request.code)

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """One category a row, the same noise down each column; then each continuous code swept."""
        rows = min(self.categories, COLUMNS)
        count = rows * COLUMNS
        code = torch.arange(rows).repeat_interleave(COLUMNS)
        source = randomness.generator("sheets", seed)
        noise = (torch.rand(COLUMNS, self.noise_dim, generator=source) * 2 - 1).repeat(rows, 1)
        still = torch.zeros(count, self.continuous)
        sheets = {"samples": self._sheet(noise, code, still)}
        for i in range(self.continuous):
            swept = still.clone()
            swept[:, i] = torch.linspace(-REACH, REACH, COLUMNS).repeat(rows)
            fixed = noise[:1].expand(count, -1)
            sheets[f"continuous_{i}"] = self._sheet(fixed, code, swept)
        return sheets

    def _sheet(self, noise: Tensor, code: Tensor, continuous: Tensor) -> Sheet:
        z = self.join(noise, code, continuous)
        return Sheet(Request(len(z), latents=z, code=code, continuous=continuous), COLUMNS)
