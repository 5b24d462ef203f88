"""What several adversaries lose and show, taken together."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def by_direction(found: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Losses of several adversaries under one name each: `adversarial_ab`, `adversarial_ba`."""
    return {f"{name}_{which}": v for which, of in found.items() for name, v in of.items()}


def summed(found: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Losses of several adversaries as their sum, each term under its own name."""
    names = dict.fromkeys(name for of in found for name in of)
    return {name: torch.stack([of[name] for of in found if name in of]).sum() for name in names}


def mean_watch(found: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What several adversaries show, as the mean of those that show it."""
    names = dict.fromkeys(name for of in found for name in of)
    return {n: torch.stack([of[n] for of in found if n in of]).mean() for n in names}
