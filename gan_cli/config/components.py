"""Classes and the arguments they are to be built with, out of a config's `_target_` nodes."""

import dataclasses
import functools
import importlib
import inspect
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import torch

from gan_cli.errors import UserError
from gan_cli.ranges import Momentum, NonNegative, Positive
from gan_cli.tricks.schedules import Schedule

TARGET = "_target_"
TRUSTED = ("gan_cli", "torch.optim")
"""Whose classes a config that came with a checkpoint may name."""

MAX_PARTS = 16
"""A dotted name with as many parts is none."""

# torch's optimizers state types but no ranges
OPTIMIZER_RANGES: dict[str, Any] = {
    "lr": Positive,
    "betas": tuple[Momentum | Schedule, Momentum | Schedule],
    "eps": Positive,
    "weight_decay": NonNegative | Schedule,
    "momentum": Momentum | Schedule,
    "dampening": NonNegative,
    "alpha": Momentum,
}
PLAIN_MODULES = {"builtins", "typing", "collections.abc", "pathlib", "datetime", "decimal", "uuid"}
"""Where the types live that plain values of YAML can have; any other class takes a component."""


@dataclasses.dataclass(frozen=True)
class Component:
    """A class and checked arguments for its constructor; nothing is built yet.

    Attributes:
        cls: the class.
        arguments: by name; components among them are not built yet either.
        key: where the config says so.
    """

    cls: type
    arguments: Mapping[str, Any]
    key: str

    def build(self, **given: Any) -> Any:
        """The object, innermost components first.

        Args:
            given: further arguments, which no config says, or others than it says.

        Raises:
            UserError: a constructor refuses its arguments.
        """
        made = {name: built(value) for name, value in self.arguments.items()}
        try:
            return self.cls(**(made | given))
        except (ValueError, TypeError, OverflowError) as error:
            raise UserError(f"{self.key}: {str(error).partition(chr(10))[0]}") from error


def built(value: Any) -> Any:
    """A checked value with the components in it built."""
    if isinstance(value, Component):
        return value.build()
    if isinstance(value, list | tuple):
        return type(value)(map(built, value))
    if isinstance(value, Mapping):
        return {name: built(inner) for name, inner in value.items()}
    return value


def locate(target: Any, trusted: Sequence[str] | None = None) -> type:
    """The class a dotted name stands for.

    Args:
        target: such as `gan_cli.networks.dcgan.Generator`.
        trusted: packages whose classes may be named; None where the person at the keyboard wrote
            the config, who may name any.

    Raises:
        ValueError: there is no such class, or it is not trusted.
    """
    parts = target.split(".") if isinstance(target, str) else []
    if len(parts) not in range(2, MAX_PARTS) or not all(map(str.isidentifier, parts)):
        raise ValueError(f"{target!r:.100} is not the dotted name of a class")
    if trusted is not None and not within(target, trusted):
        raise ValueError(
            f"{target} is refused: a checkpoint may only name classes of {' or '.join(trusted)}; "
            f"if you trust {parts[0]}, add 'trust=[{parts[0]}]'"
        )
    if trusted is not None and any(part.startswith("_") for part in parts):
        raise ValueError(f"{target} is refused: it is private")  # importing `__main__` would run it
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{target} cannot be imported: {error} among what is installed and in {Path.cwd()}; "
            "start where it lies, or install it"
        ) from error
    except AttributeError as error:
        raise ValueError(f"{target} cannot be imported: {error}") from error
    except Exception as error:  # an import runs code, which may raise anything
        raise ValueError(f"{target} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(found, type):
        raise ValueError(f"{target} is not a class")
    # a trusted module's own imports are reachable through its name
    if trusted is not None and not within(found.__module__, trusted):
        raise ValueError(f"{target} is refused: it is defined in {found.__module__}")
    return found


def within(name: str, packages: Iterable[str]) -> bool:
    """Whether a dotted name is that of a package or of something in it."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


@functools.cache
def parameters(cls: type) -> Mapping[str, tuple[Any, bool]]:
    """What a config may say about `cls`: name -> (type, whether it must be said).

    Raises:
        ValueError: its types are names that nothing is behind.
    """
    try:
        hints = get_type_hints(cls.__init__, include_extras=True)  # type: ignore[misc]
    except NameError as error:
        raise ValueError(f"the types of {cls.__name__}'s constructor: {error}") from error
    found = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        found[name] = (hints.get(name, Any), parameter.default is parameter.empty)
    if issubclass(cls, torch.optim.Optimizer):
        del found["params"]
        found |= {k: (OPTIMIZER_RANGES[k], found[k][1]) for k in OPTIMIZER_RANGES if k in found}
    return found


def component_classes(wanted: Any) -> list[type]:
    """The classes of which a node may name a subclass where `wanted` is asked for."""
    origin = get_origin(wanted)
    if origin is Annotated:
        first, *notes = get_args(wanted)
        return notes if first is Component else component_classes(first)
    if origin in (Union, types.UnionType):
        return [cls for option in get_args(wanted) for cls in component_classes(option)]
    plain = not isinstance(wanted, type) or wanted.__module__ in PLAIN_MODULES
    return [] if plain or origin is not None else [wanted]


def plain_options(wanted: Any) -> Any:
    """What may stand for a component where `wanted` is asked for: a number for a schedule.

    None where only a component may, or null.
    """
    if get_origin(wanted) not in (Union, types.UnionType):
        return None
    options = tuple(option for option in get_args(wanted) if not component_classes(option))
    return Union[options] if {*options} - {type(None)} else None  # noqa: UP007
