"""Networks in evaluation mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


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
