"""How large a network is."""

from torch import nn


def parameters(network: nn.Module) -> int:
    """Numbers that are trained."""
    return sum(p.numel() for p in network.parameters())
