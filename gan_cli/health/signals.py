"""What the health of a run is read from: numbers without a unit, from scores and pictures."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def diversity(real: Tensor, fake: Tensor) -> Tensor:
    """How far apart fakes are from each other over the same of reals, a scalar.

    The root of the mean squared distance of two pictures of a batch, which is that of twice the
    sum of all pixels' variances. About 1 in health, 0 where all fakes are the same.

    Args:
        real: pictures [N, C, H, W].
        fake: pictures [N, C, H, W].
    """
    return (fake.var(0).sum() / real.var(0).sum()).sqrt()


def overfitting(real: Tensor, held_out: Tensor, fake: Tensor) -> Tensor:
    """How much of D's judgement it learnt by heart, a scalar: 0 for nothing, 1 for all of it.

    r_v = (E D(train) - E D(held out)) / (E D(train) - E D(G(z))); Karras et al. 2020, "Training
    generative adversarial networks with limited data", equation 1.

    Args:
        real: scores of pictures D was trained on, [N].
        held_out: of such as it never saw, [N].
        fake: of fakes, [N].
    """
    return (real.mean() - held_out.mean()) / (real.mean() - fake.mean())


def divergence_bound(loss: float) -> float:
    """A lower bound of the Jensen-Shannon divergence of real and fake, in nats, in [0, log 2].

    (log 4 - L_D) / 2, with D's cross-entropy L_D; Goodfellow et al. 2014, theorem 1.
    """
    return max(0.0, (math.log(4) - loss) / 2)


def swing(values: Sequence[float]) -> float:
    """Standard deviation of a series around its straight line, in its own units."""
    y = torch.tensor(values, dtype=torch.float64)
    if len(y) < 3:
        return 0.0
    x = torch.arange(len(y), dtype=torch.float64)
    x = x - x.mean()
    slope = (x * y).sum() / x.square().sum()
    return float((y - y.mean() - slope * x).std())
