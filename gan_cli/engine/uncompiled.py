"""torch's optimizers without torch's compiler, whose import is half of all that starting takes.

Each of their methods begins by importing it, so as to be left out of what is compiled. Nothing is
compiled here.
"""

import inspect
import sys

import torch


def leave_out_compiler() -> None:
    """Let optimizers be made, cleared and loaded without it; call this before the first is made.

    Where such a method looks for itself as the compiler would hand it back, it finds itself.
    """
    if "torch._dynamo" in sys.modules:
        return
    for method in ("add_param_group", "load_state_dict", "state_dict", "zero_grad"):
        plain = getattr(getattr(torch.optim.Optimizer, method), "__wrapped__", None)
        if plain is not None:
            vars(plain).setdefault("__dynamo_disable", plain)


def step(optimizer: torch.optim.Optimizer) -> None:
    """A step of an optimizer without a closure, as its own `step` takes it; no hooks are called."""
    if optimizer.defaults.get("differentiable"):
        optimizer.step()
        return
    with torch.no_grad():
        inspect.unwrap(type(optimizer).step)(optimizer)
