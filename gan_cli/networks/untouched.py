"""Asking a network without leaving a trace in it."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call


def call_untouched(
    network: nn.Module, *inputs: Tensor | None, weights: Mapping[str, Tensor] | None = None
) -> Any:
    """What `network` says of `inputs` in the mode it is in.

    Its BatchNorm statistics and the vectors of its power iterations stay as they are.

    Args:
        network: a generator or a discriminator.
        inputs: as it takes them.
        weights: others, by name, to stand in for its own.
    """
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    return functional_call(network, {**(weights or {}), **buffers}, inputs)
