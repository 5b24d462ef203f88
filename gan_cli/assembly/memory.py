"""How large a game is, known before anything of it is allocated."""

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gan_cli.assembly.game import assemble_game
from gan_cli.config.schema import Settings
from gan_cli.data.fields import Fields
from gan_cli.errors import UserError
from gan_cli.games.base import Game

GIB = 2**30
SLACK = 2**20
"""Bytes by which a game may exceed what a checkpoint holds: buffers that are not saved."""
FILLING = (Tensor.normal_, Tensor.uniform_, Tensor.random_, Tensor.bernoulli_)
POWER_ITERATION = {
    nn.functional.normalize: lambda x: x,
    torch.mv: lambda x: x.new_empty(len(x)),
    torch.vdot: lambda x: x.new_empty(()),
}
"""What spectral normalisation computes when it is laid on, and what shape comes out."""
COPIES = 16
"""Of one sample, that a network has in memory at the least."""
LATENTS, SAMPLE_COPIES = 128, 3
"""Numbers that a sample is drawn from, and copies of it that are made on its way, about."""


def refuse_too_large(settings: Settings, fields: Fields, held: int | None = None) -> None:
    """Lay the game out without memory, and see whether it could ever fit.

    Args:
        settings: a run's.
        fields: its data's.
        held: bytes of the tensors that are to fill it, where they come from a checkpoint.

    Raises:
        UserError: it takes more than the machine's memory, or than the checkpoint holds; or
            anything that building it raises.
    """
    _refuse_large_samples(fields)
    there = machine_memory()
    game = _lay_out(settings, fields, strict=held is not None)
    if game is None:
        return
    needed = size_of(game)
    if held is not None and needed > 1.1 * held + SLACK:
        raise UserError(
            f"the checkpoint's config asks for networks of {needed / GIB:.3g} GiB, and it holds "
            f"weights of {held / GIB:.3g}: refused"
        )
    if needed > there:
        name, largest = max(game.state_dict().items(), key=lambda item: _size(item[1]))
        raise UserError(
            f"model: its weights take {needed / GIB:.3g} GiB and this machine has "
            f"{there / GIB:.3g}; the largest is {name} ({'x'.join(map(str, largest.shape))})"
        )


def lay_out_game(settings: Settings, fields: Fields) -> Game:
    """The game without memory, for whoever has weights for the networks that draw and no others.

    Raises:
        UserError: a single sample does not fit into memory, or anything that building it raises.
    """
    _refuse_large_samples(fields)
    game = _lay_out(settings, fields, strict=True)
    assert game is not None
    return game


def _refuse_large_samples(fields: Fields) -> None:
    for name, field in fields.items():
        if 4 * COPIES * math.prod(field.shape) > machine_memory():
            raise UserError(f"data: a single `{name}` ({field}) is too large for this machine")


class Unfilled(TorchFunctionMode):
    """Initialisation leaves weights as they are.

    Without memory they have no values, and torch would import its compiler, which takes longer than
    importing torch, to draw them.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """What `func` gives, or the tensor it was to fill."""
        kwargs = kwargs or {}
        if func in FILLING or getattr(func, "__module__", "") == nn.init.__name__:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        if func in POWER_ITERATION:
            return POWER_ITERATION[func](args[0])
        return func(*args, **kwargs)


def _lay_out(settings: Settings, fields: Fields, strict: bool) -> Game | None:
    """The game without memory; None where a class of somebody's own cannot be laid out so."""
    try:
        with torch.device("meta"), Unfilled(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about weights that such a class loads to nowhere
            return assemble_game(settings, fields)
    except UserError:
        raise
    except Exception as error:  # numbers may overflow anywhere
        reason = str(error).partition("\n")[0]
        if "meta" in reason and not strict:
            return None
        raise UserError(f"model: it cannot be built as it is asked for ({reason})") from error


def refuse_too_many(fields: Fields, samples: int, asked: str) -> None:
    """Raise UserError where samples, or what they are drawn from, cannot lie in memory together.

    Args:
        fields: of each sample.
        samples: how many.
        asked: the keys that ask for them, with their values.
    """
    values = max(LATENTS, *(math.prod(field.shape) for field in fields.values()))
    if SAMPLE_COPIES * 4 * values * samples > machine_memory():
        raise UserError(
            f"{asked}: {samples:,} samples do not fit into memory; draw fewer at a time"
        )


def size_of(module: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    return sum(map(_size, [*module.parameters(), *module.buffers()]))


def bytes_of(tree: Any) -> int:
    """Bytes of all tensors in plain containers."""
    if isinstance(tree, Tensor):
        return _size(tree)
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    return sum(map(bytes_of, tree)) if isinstance(tree, list | tuple) else 0


def _size(tensor: Any) -> int:
    return tensor.numel() * tensor.element_size() if isinstance(tensor, Tensor) else 0


def machine_memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
