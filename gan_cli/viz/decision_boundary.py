"""What D makes of the plane, for plots of 2-D data."""

from collections.abc import Callable

import torch
from torch import Tensor

from gan_cli.viz.plane import REACH

RESOLUTION = 64
"""Points along each side of the square."""
BUDGET = 40_000
"""Evaluations of D that a surface may take: where a point takes many, it gets coarser."""
SHOWN = 512
"""Real and fake points each that D scores where its logits have no threshold of their own."""

Logits = Callable[[Tensor], Tensor]
"""Points [N, 2, 1, 1] to D's logits, float32 [N] on the CPU; D is left as it was."""


@torch.no_grad()
def decision_surface(
    logits: Logits,
    real: Tensor,
    fake: Tensor,
    threshold: float | None,
    margin: float = 1.0,
    evaluations: int = 1,
) -> Tensor | None:
    """How real D takes the cells of [-REACH, REACH]^2 to be, [R, R] in [-1, 1], from the bottom up.

    Args:
        logits: D.
        real, fake: points [N, 2, 1, 1].
        threshold: the logit of a D that cannot tell, 0 on the surface. None where only differences
            of logits count: then it is midway between the mean logits of `real` and `fake`.
        margin: how far from `threshold` the surface is at tanh(1) = 0.76.
        evaluations: how many a point takes, as one for each class.

    Returns:
        None where D compares points, so that one alone has no logit.
    """
    if not scores_one_by_one(logits, real[:8]):
        return None
    side = min(RESOLUTION, int((BUDGET / max(evaluations, 1)) ** 0.5))
    ticks = ((torch.arange(side) + 0.5) / side * 2.0 - 1.0) * REACH  # the cells' middles
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    plane = torch.stack([x, y], dim=-1).view(-1, 2, 1, 1)  # [R, R, 2] -> [R * R, 2, 1, 1]
    scores = logits(plane)
    if threshold is None:
        high, low = (logits(points[:SHOWN]).mean() for points in (real, fake))
        threshold = float(high + low) / 2.0
        margin = max(float((scores - threshold).abs().median()), 1e-6)
    return torch.tanh((scores - threshold) / margin).view(side, side)


def scores_one_by_one(logits: Logits, points: Tensor) -> bool:
    """Whether a logit is the same in any company: not so where D compares what it sees."""
    return torch.allclose(logits(points)[:1], logits(points[:1]), rtol=1e-3, atol=1e-4)
