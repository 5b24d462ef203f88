"""Tricks: a term that joins D's loss, and a view that changes what D sees."""

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from gan_cli.ranges import Count, NonNegative, Probability
from gan_cli.tricks.base import Term, View
from gan_cli.tricks.examples import Progress, RealFakeBatch, Role


class LogitDrift(Term):
    """E[D(x)^2], which keeps D's logits near zero (Karras et al. 2018, appendix A.1).

    Args:
        weight: of the term; 0.001 in the paper.
        every: compute it each so many steps only, and weigh it so many times as much.
    """

    def __init__(self, weight: NonNegative = 0.001, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The mean square of the logits of real images, before its weight."""
        return (batch.real.logits**2).mean()


class FadingBlur(View):
    """Real and fake images are blurred at first, so that D begins with the large shapes.

    After Karras et al. 2021 (StyleGAN3, appendix F.2), who blur in the first steps.

    Args:
        sigma: standard deviation of the Gaussian at the start, in pixels.
        until: part of the run after which images are sharp, in [0, 1].
    """

    needs_pixels = True  # 2-D points have nothing to blur

    def __init__(self, sigma: NonNegative = 1.0, until: Probability = 0.5) -> None:
        super().__init__()
        self.sigma, self.until = sigma, until

    def sigma_at(self, progress: Progress) -> float:
        """Down to zero in a straight line."""
        return self.sigma * max(0.0, 1.0 - progress.done / self.until) if self.until else 0.0

    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        """[N, C, H, W], blurred along both axes; what comes in at the edges repeats them."""
        sigma = progress.value_of(self.sigma_at)  # asked so, it may be recorded as a CUDA graph
        if sigma < 0.1:  # no neighbour would count for more than 1e-21
            return x
        reach = min(math.ceil(3.0 * sigma), x.shape[-1] - 1)
        at = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
        kernel = torch.softmax(-0.5 * (at / sigma) ** 2, dim=0)[None, None]  # [1, 1, K]
        flat = pad(x.flatten(0, 1)[:, None], [reach] * 4, mode="replicate")  # [N*C, 1, H+, W+]
        return conv2d(conv2d(flat, kernel[..., None]), kernel[:, :, None]).view_as(x)
