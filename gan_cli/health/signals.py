"""What the health of a run is read from: numbers without a unit, from logits and images."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

MOST = 64
"""Images of a batch that are compared one by one."""


def diversity(real: Tensor, fake: Tensor) -> Tensor:
    """How far apart fakes are from each other over the same of reals, a scalar.

    The root of the mean squared distance of two images of a batch, which is that of twice the
    sum of all pixels' variances. About 1 in health, 0 where all fakes are the same.

    Args:
        real: images [N, C, H, W].
        fake: images [N, C, H, W].
    """
    return (fake.var(0).sum() / real.var(0).sum()).sqrt()


def uniqueness(real: Tensor, fake: Tensor) -> Tensor:
    """How far each fake is from the nearest other one over the same of reals, a scalar.

    Falls where few different images are made, however far those few are from each other, which
    `diversity` does not see. It depends on how many are compared: compare as many.

    Args:
        real: images [N, C, H, W], of which the first `MOST` are taken.
        fake: images [N, C, H, W], likewise.
    """
    return _nearest(fake) / _nearest(real)


def _nearest(x: Tensor) -> Tensor:
    """Mean distance of an image to the nearest other one."""
    rows = x[:MOST].flatten(1)  # [N, C, H, W] -> [N, F]
    # not by way of a matrix product, in which the distances of like images drown
    pairs = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    return pairs.fill_diagonal_(torch.inf).min(1).values.mean()


def overfitting(real: Tensor, held_out: Tensor) -> Tensor:
    """How well D's logit tells images it was trained on from others like them, a scalar.

    2 P(D(trained on) > D(held out)) - 1: 0 where it cannot, 1 where it always can. The attack of
    Hayes et al. 2019, "LOGAN: Membership inference attacks against generative models", read as a
    sign of health. Unlike a ratio of gaps it does not explode where D knows nothing yet.

    Args:
        real: logits of images D was trained on, [N].
        held_out: of such as it never saw, [M].
    """
    return (real[:, None] - held_out).sign().mean()


def divergence_bound(loss: float) -> float:
    """A lower bound of the Jensen-Shannon divergence of real and fake, in nats, in [0, log 2].

    (log 4 - L_D) / 2, with D's cross-entropy L_D; Goodfellow et al. 2014, theorem 1.
    """
    return max(0.0, (math.log(4) - loss) / 2)


def oscillation(values: Sequence[float]) -> float:
    """Standard deviation of a series around its straight line, in its own units."""
    y = torch.tensor(values, dtype=torch.float64)
    if len(y) < 3:
        return 0.0
    x = torch.arange(len(y), dtype=torch.float64)
    x = x - x.mean()
    slope = (x * y).sum() / x.square().sum()
    return float((y - y.mean() - slope * x).std())
