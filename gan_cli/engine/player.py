"""One player of a game: what it trains and how it learns."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from gan_cli.engine.uncompiled import step
from gan_cli.games.base import Game
from gan_cli.tricks.base import StepHook
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Schedule, now

SYMBOLS = {"discriminator": "D", "generator": "G"}
"""How the two classic players appear in the names of scalars."""

FACTORS = {"row_var", "col_var"}
"""What torch's Adafactor remembers of a parameter, smaller than that in one dimension."""

Memory = Mapping[int, Mapping[str, Any]]
"""What an optimizer remembers after a step, of a parameter of each dimension, by name."""
Hooks = Sequence[tuple[StepHook, Sequence[nn.Parameter]]]
"""Hooks, each with the parameters it acts on."""


class Player:
    """One player: the parameters it trains, its optimizer, and how many batches it plays a step.

    Args:
        name: as the game calls it.
        parameters: what it trains; frozen ones are not among them.
        optimizer: of these parameters.
        schedule: of the learning rate.
        times: batches it plays a step.
        hooks: what acts around the optimizer's step.
        memory: what such an optimizer remembers; without it, a saved memory is taken as it is.
        moving: arguments of the optimizer that follow schedules, besides the rate, by name.
        lazy_apart: lazy terms have a turn and a step of their own.
    """

    def __init__(
        self,
        name: str,
        parameters: Sequence[nn.Parameter],
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        times: int = 1,
        hooks: Hooks = (),
        memory: Memory | None = None,
        moving: Mapping[str, Any] | None = None,
        lazy_apart: bool = False,
    ) -> None:
        self.name, self.parameters, self.optimizer = name, list(parameters), optimizer
        self.schedule, self.times, self.hooks = schedule, times, hooks
        self.lazy_apart = lazy_apart
        self._memory, self._moving = memory, moving or {}
        self.symbol = SYMBOLS.get(name, name)
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self._factor = 1.0

    @property
    def lr(self) -> float:
        """The learning rate now."""
        return float(self._rates[0] * self._factor)

    @property
    def moved(self) -> list[Any]:
        """What else is scheduled, as it is now."""
        group = self.optimizer.param_groups[0]
        return [group[name] for name in self._moving]

    def follow(self, progress: Progress) -> None:
        """Set the rate, and what else is scheduled, to what it is at this point of the run."""
        self._factor = self.schedule(progress)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * self._factor)
            else:
                group["lr"] = rate * self._factor
            group.update((name, settled(value, progress)) for name, value in self._moving.items())

    def keep_rates_on(self, device: torch.device) -> None:
        """Hand the optimizer its rates as tensors there, which a recorded step reads anew."""
        for group in self.optimizer.param_groups:
            group["lr"] = torch.tensor(float(group["lr"]), device=device)
            if "capturable" in group:
                group["capturable"] = True
        # torch would warn of each step that is not recorded
        self.optimizer._warned_capturable_if_run_uncaptured = True

    def phases(self, progress: Progress, game: Game) -> list[Progress]:
        """A turn for everything; or one without lazy terms, and one for those that are due."""
        if not self.lazy_apart:
            return [progress]
        lazy = progress._replace(phase="lazy")
        due = any(term.due(lazy) for term in game.lazy_terms(self.name).values())
        return [progress._replace(phase="main"), *([lazy] if due else [])]

    @property
    def fused(self) -> bool:
        """Whether the optimizer is one kernel, which takes no step where its `found_inf` is 1."""
        return bool(self.optimizer.defaults.get("fused"))

    def gradient_norm(self) -> Tensor:
        """L2 norm of all gradients together, a scalar."""
        return get_total_norm([p.grad for p in self.parameters if p.grad is not None])

    def update(self) -> None:
        """One optimizer step on the gradients at hand."""
        for hook, parameters in self.hooks:
            hook.before_step(parameters)
        if self.hooks and self.fused:
            for p in self.parameters:
                p.grad = None if p.grad is None else _laid_out(p.grad, p)
        step(self.optimizer)
        for hook, parameters in self.hooks:
            hook.after_step(parameters)

    def forget(self) -> None:
        """Let the optimizer begin anew; the weights stay."""
        self.optimizer.state.clear()

    def state_dict(self) -> dict[str, Any]:
        """What the optimizer remembers; its hyperparameters are the config's."""
        return {"state": self.optimizer.state_dict()["state"]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the memory back and keep the present hyperparameters.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is the memory of something else.
        """
        for number, memory in state["state"].items():
            if number not in range(len(self.parameters)):
                raise ValueError(f"optimizer of the {self.name}: no parameter {number!r:.50}")
            self._refuse_other(memory, self.parameters[number].shape)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["state"], "param_groups": groups})
        for parameter, memory in self.optimizer.state.items():
            for name, value in memory.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    memory[name] = _laid_out(value, parameter)

    def _refuse_other(self, memory: Mapping[str, Any], shape: torch.Size) -> None:
        """Raise ValueError where a memory is not what this optimizer has of such a parameter."""
        if self._memory is None or not memory:  # it begins anew
            return
        for name, known in self._memory[len(shape)].items():
            if name not in memory or not _alike(memory[name], known, name, shape):
                raise ValueError(
                    f"optimizer of the {self.name}: its {name!r} is missing or another's"
                )


def settled(value: Any, progress: Progress) -> Any:
    """An argument of an optimizer, or some together, with each schedule's number in its place."""
    if isinstance(value, list | tuple):
        return type(value)(settled(inner, progress) for inner in value)
    return now(value, progress)


def _laid_out(value: Tensor, parameter: Tensor) -> Tensor:
    """`value` with its numbers in the order of the parameter's: fused kernels walk along both."""
    if value.stride() == parameter.stride():
        return value
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _alike(value: Any, known: Any, name: str, shape: torch.Size) -> bool:
    """Whether a value can stand where an optimizer has `known`, of a parameter of `shape`."""
    if not isinstance(known, Tensor):
        return type(value) is type(known)
    if not isinstance(value, Tensor) or value.is_complex() != known.is_complex():
        return False
    if not known.dim() and len(shape):  # a count or a factor: a step before the first divides by 0
        return value.dtype == known.dtype and not value.dim() and 0 <= float(value) < math.inf
    if name in FACTORS:
        return value.dim() == len(shape) and all(
            one in (1, whole) for one, whole in zip(value.shape, shape, strict=True)
        )
    return value.is_floating_point() and value.shape == shape
