"""Views whose strength follows D's scores."""

from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor

from gan_cli.networks.together import sum_over_ranks
from gan_cli.ranges import Count, Probability
from gan_cli.tricks.base import View
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Schedule, now

Sign = Annotated[float, Ge(-1), Le(1)]


class AdaptiveView(View):
    """A view of strength p, which rises while D is too sure of the training images.

    Their mean sign r = E[sign D(x)] is the sign of a D that memorises them (Karras et al. 2020,
    "Training GANs with limited data", section 3.1 and equation 1): above `target` p rises, below it
    falls, at a constant pace. Where several processes train, all of them move by the scores of all.

    Args:
        p: strength, fixed, scheduled, or to begin with.
        target: of r; null leaves p as it is, or to its schedule.
        every: steps between two moves of p.
        images: real ones that D sees while p goes from 0 to 1, at the fastest.

    Raises:
        ValueError: p is to follow a schedule and D's scores.
    """

    p: Tensor
    signs: Tensor
    seen: Tensor

    def __init__(
        self,
        p: Probability | Schedule = 0.0,
        target: Sign | None = 0.6,
        every: Count = 4,
        images: Count = 500_000,
    ) -> None:
        super().__init__()
        self.target, self.every, self.images = target, every, images
        if isinstance(p, Schedule) and target is not None:
            raise ValueError("p follows a schedule or D's scores; for the former set target=null")
        self.schedule = p
        self.register_buffer("p", torch.tensor(float(now(p, Progress(0, 0.0, 0.0)))))
        self.register_buffer("signs", torch.zeros(()))  # summed since p has last moved
        self.register_buffer("seen", torch.zeros(()))

    @torch.no_grad()
    def observe(self, real: Tensor) -> None:
        """Note the signs of D's logits of real images."""
        if self.target is None:
            return
        signs = (real > 0).float() - (real < 0).float()  # what is not a number has none
        self.signs += signs.flatten(1).mean(1).sum() if signs.ndim > 1 else signs.sum()
        self.seen += len(real)

    @torch.no_grad()
    def on_step(self, progress: Progress) -> None:
        """Move p: along its schedule, or each few steps by what has been observed."""
        if self.target is None:
            self.p.fill_(now(self.schedule, progress))
            return
        if progress.step % self.every:
            return
        signs, seen = sum_over_ranks(torch.stack([self.signs, self.seen]))
        excess = signs - self.target * seen
        self.p.add_(torch.sign(excess) * seen / self.images).clamp_(0.0, 1.0)
        self.signs.zero_()
        self.seen.zero_()
