"""Networks in another mode for a while."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Networks in evaluation mode, where looking at them leaves no trace.

    There BatchNorm keeps its statistics, spectral normalisation its vectors, and dropout draws
    nothing. Afterwards each module is in the mode it was found in.
    """
    modes = [(module, module.training) for network in networks for module in network.modules()]
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for module, was_training in modes:
            module.training = was_training


@contextmanager
def learning(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Parameters that gradients will reach from what is computed inside, whoever's turn it is.

    A graph that was built here stays good when they no longer collect any, and then do again.
    """
    before = [p.requires_grad for p in parameters]
    for p in parameters:
        p.requires_grad_()
    try:
        yield
    finally:
        for p, wanted in zip(parameters, before, strict=True):
            p.requires_grad_(wanted)
