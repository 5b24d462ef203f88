"""Terms on the slope of D's score, which keep D smooth.

They differentiate each picture's own score, so nothing in D may mix pictures.
"""

import torch
from torch import Tensor, nn

from gan_cli.ranges import Count, NonNegative
from gan_cli.tricks.base import Term
from gan_cli.tricks.examples import Exchange, Judge


def slopes(judge: Judge, x: Tensor, y: Tensor | None) -> Tensor:
    """d score_i / d x_i, [N, C, H, W], itself differentiable; `judge` must not mix samples."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(x, y).score.sum(), x, create_graph=True)
    return gradient


def around_one(gradient: Tensor) -> Tensor:
    """E[(||grad D(x)|| - 1)^2] of slopes [N, C, H, W], a scalar."""
    return ((gradient.flatten(1).norm(dim=1) - 1.0) ** 2).mean()


def around_zero(gradient: Tensor) -> Tensor:
    """E||grad D(x)||^2 / 2 of slopes [N, C, H, W], a scalar."""
    return 0.5 * (gradient**2).flatten(1).sum(1).mean()


class GradientPenalty(Term):
    """E[(||grad D(x_hat)|| - 1)^2], x_hat between real and fake (Gulrajani et al. 2017, eq. 3).

    One random weight per sample decides where between its real and its fake x_hat lies.
    """

    sides = ("discriminator",)
    double_backward = True

    def __init__(self, weight: NonNegative = 10.0, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, exchange: Exchange, network: nn.Module) -> Tensor:
        """The penalty before its weight."""
        real, fake = exchange.real.pictures, exchange.fake.pictures
        between = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)  # [N,1,1,1]
        x_hat = torch.lerp(fake, real, between)
        return around_one(slopes(exchange.judge, x_hat, exchange.real.y))


class DRAGAN(Term):
    """E[(||grad D(x_hat)|| - 1)^2], x_hat near real pictures (Kodali et al. 2017, section 2.3).

    x_hat = x + a spread std(x) u as in the paper's code, with a uniform in [0, 1] per picture, u
    uniform in [0, 1] per number, and std(x) that of all numbers in the batch.

    Args:
        weight: the paper's lambda.
        every: see `Term`.
        spread: how far from the reals, in their standard deviations.
    """

    sides = ("discriminator",)
    double_backward = True

    def __init__(
        self, weight: NonNegative = 10.0, every: Count = 1, spread: NonNegative = 0.5
    ) -> None:
        super().__init__(weight, every)
        self.spread = spread

    def forward(self, exchange: Exchange, network: nn.Module) -> Tensor:
        """The penalty before its weight."""
        real = exchange.real.pictures
        share = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)  # [N,1,1,1]
        x_hat = real + share * self.spread * real.std() * torch.rand_like(real)
        return around_one(slopes(exchange.judge, x_hat, exchange.real.y))


class R1(Term):
    """E||grad D(x)||^2 / 2 on reals (Mescheder et al. 2018, eq. 9); the weight is gamma."""

    sides = ("discriminator",)
    double_backward = True

    def __init__(self, weight: NonNegative = 10.0, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, exchange: Exchange, network: nn.Module) -> Tensor:
        """The penalty before its weight."""
        return around_zero(slopes(exchange.judge, exchange.real.pictures, exchange.real.y))


class R2(Term):
    """E||grad D(G(z))||^2 / 2 (Mescheder et al. 2018, eq. 10); the weight is gamma."""

    sides = ("discriminator",)
    double_backward = True

    def __init__(self, weight: NonNegative = 10.0, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, exchange: Exchange, network: nn.Module) -> Tensor:
        """The penalty before its weight."""
        return around_zero(slopes(exchange.judge, exchange.fake.pictures, exchange.fake.y))
