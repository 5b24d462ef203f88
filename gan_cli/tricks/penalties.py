"""Terms on the gradient of D's logits with respect to its input, which keep D smooth.

They differentiate each image's own logits, so nothing in D may mix images. All of them are
computed in float32, also where the losses are not.
"""

import torch
from torch import Tensor

from gan_cli.ranges import Count, NonNegative, Positive
from gan_cli.tricks.base import Term
from gan_cli.tricks.examples import RealFakeBatch, Role, input_gradients
from gan_cli.tricks.schedules import Schedule


def around_one(gradient: Tensor) -> Tensor:
    """E[(||grad D(x)|| - 1)^2] of input gradients [N, C, H, W], a scalar."""
    return ((gradient.flatten(1).norm(dim=1) - 1.0) ** 2).mean()


def around_zero(gradient: Tensor) -> Tensor:
    """E||grad D(x)||^2 / 2 of input gradients [N, C, H, W], a scalar."""
    return 0.5 * (gradient**2).flatten(1).sum(1).mean()


class GradientPenalty(Term):
    """E[(||grad D(x_hat)|| - 1)^2], x_hat between real and fake (Gulrajani et al. 2017, eq. 3).

    One random weight per sample decides where between its real and its fake x_hat lies.

    Args:
        weight: the paper's lambda.
        every: see `Lazy`.
        target: where norms are held, with (||grad D(x_hat)|| / target - 1)^2 as the penalty
            (Karras et al. 2018, appendix A.1).
    """

    double_backward = True

    def __init__(
        self, weight: NonNegative | Schedule = 10.0, every: Count = 1, target: Positive = 1.0
    ) -> None:
        super().__init__(weight, every)
        self.target = target

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The penalty before its weight."""
        real, fake = batch.real.seen, batch.fake.seen
        between = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)  # [N,1,1,1]
        x_hat = torch.lerp(fake, real, between)
        gradient = input_gradients(batch.discriminate, x_hat, batch.real.label)
        return around_one(gradient / self.target)


class DRAGAN(Term):
    """E[(||grad D(x_hat)|| - 1)^2], x_hat near real images (Kodali et al. 2017, section 2.3).

    x_hat = x + a spread std(x) u as in the paper's code, with a uniform in [0, 1] per image, u
    uniform in [0, 1] per number, and std(x) that of all numbers in the batch.

    Args:
        weight: the paper's lambda.
        every: see `Lazy`.
        spread: how far from the reals, in their standard deviations.
    """

    double_backward = True
    reads_batch = True

    def __init__(
        self, weight: NonNegative | Schedule = 10.0, every: Count = 1, spread: NonNegative = 0.5
    ) -> None:
        super().__init__(weight, every)
        self.spread = spread

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The penalty before its weight."""
        real = batch.real.seen
        a = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)  # [N, 1, 1, 1]
        x_hat = real + a * self.spread * real.std() * torch.rand_like(real)
        return around_one(input_gradients(batch.discriminate, x_hat, batch.real.label))


class R1(Term):
    """E||grad D(x)||^2 / 2 on reals (Mescheder et al. 2018, eq. 9); the weight is gamma.

    At the image before the views, as in StyleGAN2-ADA (Karras et al. 2020): the views are part of
    what is differentiated.
    """

    at = ("real",)
    double_backward = True

    def __init__(self, weight: NonNegative | Schedule = 10.0, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The penalty before its weight."""
        return around_zero(batch.real.input_gradients())


class R2(Term):
    """E||grad D(G(z))||^2 / 2 (Mescheder et al. 2018, eq. 10); the weight is gamma.

    At the image before the views, as `R1`.
    """

    at = ("fake",)
    double_backward = True

    def __init__(self, weight: NonNegative | Schedule = 10.0, every: Count = 1) -> None:
        super().__init__(weight, every)

    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The penalty before its weight."""
        return around_zero(batch.fake.input_gradients())
