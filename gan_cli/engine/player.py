"""One side of a game: its network and how it learns."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from gan_cli.engine.schedules import Schedule
from gan_cli.tricks.base import Side, StepHook


class Player:
    """One side of the game: its network, how it learns, and how many batches it plays a step."""

    def __init__(
        self,
        side: Side,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        times: int = 1,
        hooks: Sequence[StepHook] = (),
    ) -> None:
        self.side, self.network, self.optimizer = side, network, optimizer
        self.schedule, self.times, self.hooks = schedule, times, hooks
        self.symbol = side[0].upper()
        self._rates = [group["lr"] for group in optimizer.param_groups]

    @property
    def lr(self) -> float:
        """The learning rate now."""
        return float(self.optimizer.param_groups[0]["lr"])

    def set_rate(self, done: float) -> None:
        """Follow the schedule to the share `done` of the run."""
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self.schedule(done)

    def gradient_norm(self) -> Tensor:
        """L2 norm of all gradients together, a scalar."""
        return get_total_norm(p.grad for p in self.network.parameters() if p.grad is not None)

    def update(self) -> None:
        """One optimizer step on the gradients at hand."""
        for hook in self.hooks:
            hook.before_step(self.network)
        self.optimizer.step()
        for hook in self.hooks:
            hook.after_step(self.network)

    def state_dict(self) -> dict[str, Any]:
        """What the optimizer remembers; its hyperparameters are the config's."""
        return {"state": self.optimizer.state_dict()["state"]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the memory back and keep the present hyperparameters."""
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["state"], "param_groups": groups})
