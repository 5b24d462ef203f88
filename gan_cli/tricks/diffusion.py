"""Diffusion-GAN: D sees images as far into a diffusion as it can bear (Wang et al. 2023)."""

from typing import Literal

import torch
from torch import Tensor

from gan_cli.ranges import Count, NonNegative, Probability
from gan_cli.tricks.adaptive import AdaptiveView, Sign
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Schedule


class Diffusion(AdaptiveView):
    """Real and fake after t steps of a forward diffusion, t drawn anew for every image.

    "Diffusion-GAN: training GANs with diffusion", section 3: sqrt(a_t) x + sqrt(1 - a_t) noise, a_t
    the product of 1 - beta of t steps, and beta growing in a straight line over all T. Half of the
    images stay as they are. T grows with p, which follows D's scores as ADA's does. The authors'
    D is told t besides; here no D is.

    Args:
        p: how far T is from `shortest` to `longest`, fixed, scheduled, or to begin with.
        target: of E[sign D(x)]; null leaves p as it is, or to its schedule.
        every: steps between two moves of p.
        images: real ones that D sees while p goes from 0 to 1, at the fastest.
        shortest, longest: T at p = 0 and 1.
        first_beta, last_beta: how much noise the first and the last step bring.
        std: of the noise, images in [-1, 1].
        draw: `priority` takes t with a probability that grows with it, `uniform` each alike.

    Raises:
        ValueError: `longest` is below `shortest`, or p is to follow a schedule and D's scores.
    """

    def __init__(
        self,
        p: Probability | Schedule = 0.0,
        target: Sign | None = 0.6,
        every: Count = 4,
        images: Count = 100_000,
        shortest: Count = 10,
        longest: Count = 1000,
        first_beta: Probability = 1e-4,
        last_beta: Probability = 0.02,
        std: NonNegative = 0.05,
        draw: Literal["priority", "uniform"] = "priority",
    ) -> None:
        super().__init__(p, target, every, images)
        if longest < shortest:
            raise ValueError(f"longest={longest} is below shortest={shortest}")
        self.shortest, self.longest = shortest, longest
        self.first_beta, self.last_beta = first_beta, last_beta
        self.std, self.draw = std, draw

    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        """Noise each image [N, ...] by as many steps as are drawn for it."""
        t = self.steps(len(x))
        kept = self.kept(self.length)[t].to(x.dtype)  # [N], the part of x that is left
        kept = kept.view(-1, *[1] * (x.ndim - 1))
        return kept.sqrt() * x + (1.0 - kept).sqrt() * self.std * torch.randn_like(x)

    @property
    def length(self) -> Tensor:
        """T now, a scalar."""
        return self.shortest + torch.round(self.p * (self.longest - self.shortest))

    def steps(self, count: int) -> Tensor:
        """How many steps for each of `count` images, int64 [count]."""
        share = torch.rand(count, device=self.p.device)
        if self.draw == "priority":
            share = share.sqrt()  # its density grows in a straight line
        t = torch.ceil(share * self.length).clamp_min(1.0)
        noised = torch.rand(count, device=self.p.device) < 0.5
        return torch.where(noised, t, 0.0).long()

    def kept(self, length: Tensor) -> Tensor:
        """a_t for t = 0 to `longest`, of a diffusion of `length` steps, [longest + 1]."""
        share = torch.arange(self.longest, device=length.device) / (length - 1).clamp_min(1.0)
        beta = self.first_beta + (self.last_beta - self.first_beta) * share.clamp(max=1.0)
        return torch.nn.functional.pad(torch.log1p(-beta).cumsum(0), [1, 0]).exp()

    def watch(self) -> dict[str, Tensor]:
        """The strength p."""
        return {"health/diffusion": self.p.clone()}
