"""Unrolled GAN: G looks some steps of D ahead."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gan_cli.networks.untouched import call_untouched
from gan_cli.ranges import Natural
from gan_cli.tricks.base import Trick
from gan_cli.tricks.examples import Exchange, Judge, Verdict

Weights = dict[str, Tensor]
State = list[dict[str, object]]

TINY = 1e-15
"""Added to D's gradients: at zero, Adam's square root would have an infinite slope."""


class Unrolled(Trick):
    """G's loss is that against D after further steps (Metz et al. 2017, section 2.2).

    The steps are those of D's own optimizer, from its present memory, on the batch at hand, and G's
    gradient flows through them. They happen on copies of D's weights and buffers and of the
    optimizer's memory: nothing has to be rolled back. What acts around D's real steps (gradient or
    weight clipping) is left out.

    Args:
        steps: how far G looks ahead; 0 is the plain game, the paper's ring of Gaussians takes 5.
    """

    def __init__(self, steps: Natural = 5) -> None:
        super().__init__()
        self.steps = steps

    def attach(self, optimizer: torch.optim.Optimizer) -> None:
        """Meet D's optimizer."""
        self.optimizer = optimizer

    def forward(
        self,
        network: nn.Module,
        meet: Callable[..., Exchange],
        losses: Callable[[Exchange], dict[str, Tensor]],
    ) -> Exchange:
        """The exchange before D as it will be.

        Args:
            network: D's.
            meet: brings the batch before a `judge`.
            losses: scalars whose sum D minimises.
        """
        names = [name for name, _ in network.named_parameters()]
        weights = [p.detach().requires_grad_() for p in network.parameters()]
        state = [dict(self.optimizer.state.get(p, {})) for p in network.parameters()]
        for _ in range(self.steps):
            exchange = meet(judge=_judge(network, dict(zip(names, weights, strict=True))))
            total = torch.stack(list(losses(exchange).values())).sum()
            # zeros for weights out of play, such as an embedding's where nothing asks for it
            slopes = torch.autograd.grad(total, weights, create_graph=True, materialize_grads=True)
            weights, state = self._step(weights, slopes, state)
        return meet(judge=_judge(network, dict(zip(names, weights, strict=True))))

    def _step(
        self, weights: Sequence[Tensor], slopes: Sequence[Tensor], state: State
    ) -> tuple[list[Tensor], State]:
        """One step of D's optimizer that can be differentiated; all it changes is copied first."""
        ahead = [p.clone() for p in weights]
        kind: Callable[..., torch.optim.Optimizer] = type(self.optimizer)
        optimizer = kind(ahead, differentiable=True)
        group = {k: v for k, v in self.optimizer.param_groups[0].items() if k != "params"}
        optimizer.param_groups[0] |= group | {"differentiable": True, "foreach": False}
        for p, slope, memory in zip(ahead, slopes, state, strict=True):
            p.grad = slope + TINY
            optimizer.state[p] = {
                k: v.clone() if isinstance(v, Tensor) else v for k, v in memory.items()
            }
        optimizer.step()
        return ahead, [optimizer.state[p] for p in ahead]


def _judge(network: nn.Module, weights: Weights) -> Judge:
    """D with other weights; its BatchNorm statistics and power iterations stay as they are."""

    def judge(x: Tensor, y: Tensor | None) -> Verdict:
        return Verdict.of(*call_untouched(network, x, y, weights=weights))

    return judge
