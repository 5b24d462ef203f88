"""What differs between ranks: BatchNorm's statistics, pools of fakes, whatever is no weight.

Weights and what optimizers remember are alike on all ranks. The rest is in a checkpoint as
`ranks`, a row a rank where any two differ, beside the state of rank 0 that everybody reads.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Memory = dict[str, dict[str, Any]]
"""By part of the state, then by name."""
PARTS = ("game", "average")


def remembered(game: nn.Module, average: nn.Module | None) -> Memory:
    """What one rank remembers besides weights, on the CPU."""
    modules = {"game": game} | ({} if average is None else {"average": average})
    return {part: _without_weights(module) for part, module in modules.items()}


def _without_weights(module: nn.Module) -> dict[str, Any]:
    weights = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    return {
        name: value.detach().cpu() if isinstance(value, Tensor) else value
        for name, value in module.state_dict().items()
        if name not in weights
    }


def add_ranks(state: dict[str, Any], memories: Sequence[Memory]) -> dict[str, Any]:
    """A state of rank 0, with what differs on any rank."""
    ranks: dict[str, Any] = {"count": len(memories)}
    for part in memories[0]:
        rows = {name: [m[part][name] for m in memories] for name in memories[0][part]}
        ranks[part] = {name: _stacked(of) for name, of in rows.items() if not _alike(of)}
    return state | {"ranks": ranks}


def _alike(values: Sequence[Any]) -> bool:
    first = values[0]
    if isinstance(first, Tensor):
        return all(torch.equal(first, value) for value in values[1:])
    return all(value == first for value in values[1:])


def _stacked(values: Sequence[Any]) -> Any:
    """One tensor for all ranks where that is possible: a checkpoint may hold only so many."""
    if isinstance(values[0], Tensor) and len({value.shape for value in values}) == 1:
        return torch.stack(list(values))
    return list(values)


def count_of(state: Mapping[str, Any]) -> int:
    """How many ranks a state is of."""
    return state["ranks"]["count"] if "ranks" in state else 1


def for_rank(state: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """A saved state as a rank takes it; ranks beyond those that were saved begin with the first.

    Raises:
        KeyError, TypeError, IndexError, ZeroDivisionError: it is none.
    """
    own = dict(state)
    if rank and "ranks" in state:
        row = rank % state["ranks"]["count"]
        for part in PARTS:
            rows = state["ranks"].get(part) or {}
            if rows:
                own[part] = {**state[part], **{name: of[row] for name, of in rows.items()}}
    return own
