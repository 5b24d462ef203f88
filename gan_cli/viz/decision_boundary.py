"""How D judges the plane, for plots of 2-D data."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gan_cli.viz.charts import REACH

RESOLUTION = 64
"""Points judged along each side of the square."""
BUDGET = 40_000
"""Judgements a surface may take: with many classes it gets coarser."""
SHOWN = 512
"""Real and fake points each that are judged where D's scores have no zero of their own."""


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """`network` in evaluation mode for a while, where looking leaves no trace.

    There BatchNorm keeps its statistics, spectral normalisation its vectors, and dropout draws
    nothing. Afterwards each module is in the mode it was found in.
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, was_training in modes:
            module.training = was_training


@torch.no_grad()
def judge(network: nn.Module, x: Tensor, n_classes: int) -> Tensor:
    """D's scores of pictures x [N, C, H, W], float32 [N] on the CPU; it is left as it was.

    A labelled D is asked about every class, and its best score counts: is this a point of any?
    """
    with undisturbed(network):
        x = x.to(next(network.parameters()).device)
        labels = torch.arange(n_classes, device=x.device)
        scores = [network(x, label.expand(len(x)))[0] for label in labels] or [network(x)[0]]
        return torch.stack(scores).amax(0).float().cpu()


def judges_one_by_one(network: nn.Module, x: Tensor, n_classes: int) -> bool:
    """Whether a score is the same in any company: not so where D compares the pictures it sees."""
    together, apart = judge(network, x, n_classes), judge(network, x[:1], n_classes)
    return torch.allclose(together[:1], apart, rtol=1e-3, atol=1e-4)


def decision_surface(
    network: nn.Module,
    n_classes: int,
    real: Tensor,
    fake: Tensor,
    undecided: float | None,
    sure: float = 1.0,
) -> Tensor | None:
    """D's verdict in the cells of [-REACH, REACH]^2, [R, R] in [-1, 1], rows from the bottom up.

    Args:
        network: D; see `judge`.
        n_classes: how many labels D knows, 0 for none.
        real, fake: points [N, 2, 1, 1].
        undecided: the score of a D that cannot tell, verdict 0. None where only differences of
            scores count: then it is midway between the mean scores of `real` and `fake`.
        sure: how far from `undecided` the verdict is tanh(1) = 0.76.

    Returns:
        None where D compares points, so that it has no verdict on one alone.
    """
    if not judges_one_by_one(network, real[:8], n_classes):
        return None
    side = min(RESOLUTION, int((BUDGET / max(n_classes, 1)) ** 0.5))
    ticks = ((torch.arange(side) + 0.5) / side * 2.0 - 1.0) * REACH  # the cells' middles
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    plane = torch.stack([x, y], dim=-1).view(-1, 2, 1, 1)  # [R, R, 2] -> [R * R, 2, 1, 1]
    scores = judge(network, plane, n_classes)
    if undecided is None:
        high, low = (judge(network, points[:SHOWN], n_classes).mean() for points in (real, fake))
        undecided = float(high + low) / 2.0
        sure = max(float((scores - undecided).abs().median()), 1e-6)
    return torch.tanh((scores - undecided) / sure).view(side, side)
