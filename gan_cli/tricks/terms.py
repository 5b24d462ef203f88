"""Terms added to a player's loss."""

import torch
from torch import Tensor, nn

from gan_cli.exchange import Exchange, Judge
from gan_cli.ranges import Count, NonNegative
from gan_cli.tricks.places import Term


def slopes(judge: Judge, x: Tensor, y: Tensor | None) -> Tensor:
    """d score_i / d x_i, [N, C, H, W], itself differentiable; `judge` must not mix samples."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(x, y).score.sum(), x, create_graph=True)
    return gradient


class GradientPenalty(Term):
    """E[(||grad D(x_hat)|| - 1)^2], x_hat between real and fake (Gulrajani et al. 2017, eq. 3).

    One random weight per sample decides where between its real and its fake x_hat lies.
    """

    side = "discriminator"
    double_backward = True

    def __init__(self, weight: NonNegative = 10.0, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, exchange: Exchange, network: nn.Module) -> Tensor:
        """The penalty before its weight."""
        real, fake = exchange.real.pictures, exchange.fake.pictures
        between = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)  # [N,1,1,1]
        x_hat = torch.lerp(fake, real, between)
        gradient = slopes(exchange.judge, x_hat, exchange.real.y)
        norm = gradient.flatten(1).norm(dim=1)  # [N, C, H, W] -> [N]
        return ((norm - 1.0) ** 2).mean()
