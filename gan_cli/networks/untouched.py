"""Asking a network without leaving a trace in it."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import _WeightNorm
from torch.nn.utils.parametrize import is_parametrized


@contextlib.contextmanager
def preserved_buffers(*modules: nn.Module) -> Iterator[None]:
    """Let these networks be asked freely inside; every buffer has its old value again afterwards.

    For looks at networks in training: BatchNorm's statistics, the vectors of power iterations and
    what else remembers are as if nobody had asked. What is asked inside sees them move.
    """
    saved = [(buffer, buffer.clone()) for module in modules for buffer in module.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in saved:
                buffer.copy_(before)


def judges_singly(network: nn.Module) -> bool:
    """Whether it is known that a network sees no sample's batch and keeps count of no calls.

    Then two batches may be given as one. Known are layers of torch and of this package but for
    BatchNorm and those that say `mixes_samples`, and none that is parametrised otherwise than by
    weight normalisation: spectral norm iterates with every call.
    """
    return all(
        type(module).__module__.startswith(("torch.nn.", "gan_cli.networks."))
        and not isinstance(module, _BatchNorm)
        and not getattr(module, "mixes_samples", False)
        and (not is_parametrized(module) or _has_weight_norm_alone(module))
        for module in network.modules()
    )


def _has_weight_norm_alone(module: nn.Module) -> bool:
    lists = module.parametrizations.values()  # type: ignore[operator]
    return all(
        isinstance(each, _WeightNorm) for parametrization in lists for each in parametrization
    )


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
