"""A trained generator out of a checkpoint; the data it was trained on is not needed."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from gan_cli.assembly.build import build_generator
from gan_cli.config.schema import check, relink, trusted_in_checkpoint
from gan_cli.errors import UserError
from gan_cli.networks.roles import Generator


def load_generator(
    content: Mapping[str, Any], *, average: bool = True, trust: Sequence[str] = ()
) -> Generator:
    """The generator of a checkpoint, on the CPU, in eval mode.

    Args:
        content: what `sinks.checkpoint.load` read.
        average: take the running mean of its weights, where the run kept one.
        trust: packages, besides this one, whose classes the checkpoint's config may name.

    Raises:
        UserError: the config is refused or does not fit the weights.
    """
    trusted = trusted_in_checkpoint(trust)
    config = check(relink(content["config"], content.get("links", {})), trusted)
    network = build_generator(config, trusted)
    state = content["state"]
    try:
        if average and state["average"] is not None:
            weights = _under("network.", state["average"])
        else:
            weights = _under("generator.", state["objective"])
        network.load_state_dict(weights)
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"the checkpoint's weights do not fit its config: {str(error).splitlines()[0]}"
        ) from error
    return network.eval().requires_grad_(False)


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries of a state whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
