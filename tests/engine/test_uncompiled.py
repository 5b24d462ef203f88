"""Optimizers step as ever, without the compiler."""

from typing import Any

import pytest
import torch
from torch import nn

from gan_cli.engine.uncompiled import leave_out_compiler, step

OPTIMIZERS: list[tuple[type[torch.optim.Optimizer], dict[str, Any]]] = [
    (torch.optim.Adam, {}),
    (torch.optim.Adam, {"fused": True}),
    (torch.optim.AdamW, {"foreach": True}),
    (torch.optim.RMSprop, {}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.5}),
]


@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS)
def test_a_step_is_the_optimizer_s_own(
    kind: type[torch.optim.Optimizer], options: dict[str, Any]
) -> None:
    leave_out_compiler()
    weights = []
    for take in (step, lambda optimizer: optimizer.step()):
        weight = nn.Parameter(torch.linspace(-1, 1, 6).reshape(2, 3))
        optimizer = kind([weight], **options)  # type: ignore[call-arg]
        for number in range(3):
            optimizer.zero_grad()
            (weight**2 * (number + 1)).sum().backward()
            take(optimizer)
        weights.append(weight.detach())
    assert torch.equal(*weights)
    assert torch.is_grad_enabled()


def test_an_optimizer_of_somebody_s_own() -> None:
    class Sign(torch.optim.Optimizer):
        def step(self) -> None:  # type: ignore[override]
            assert not torch.is_grad_enabled()
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad.sign()

    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor([3.0, -3.0])
    step(Sign([weight], {"lr": 0.5}))
    assert weight.tolist() == [0.5, 1.5]
