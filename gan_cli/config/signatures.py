"""Configs against the signatures they configure: every mistake is found before any work starts.

A node with `_target_` names a class, and that class's typed constructor is the node's schema. A
section without one (`trainer:`) has a dataclass for a schema. Mistakes are collected, each under
its full key, so that all of them can be shown together.
"""

import dataclasses
import functools
import importlib
import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints

import pydantic
import torch

from gan_cli.errors import UserError
from gan_cli.ranges import Momentum, NonNegative, Positive
from gan_cli.spelling import nearest

TARGET = "_target_"
TRUSTED = ("gan_cli", "torch.optim")
"""Whose classes a config that came with a checkpoint may name."""

# torch's optimizers state types but no ranges
OPTIMIZER_RANGES: dict[str, Any] = {
    "lr": Positive,
    "betas": tuple[Momentum, Momentum],
    "eps": Positive,
    "weight_decay": NonNegative,
    "momentum": Momentum,
    "dampening": NonNegative,
    "alpha": Momentum,
}


def locate(target: Any, trusted: Sequence[str] | None = None) -> type:
    """The class a dotted name stands for.

    Args:
        target: such as `gan_cli.networks.dcgan.Generator`.
        trusted: packages whose classes may be named; None where the person at the keyboard wrote
            the config, who may name any.

    Raises:
        ValueError: there is no such class, or it is not trusted.
    """
    if not isinstance(target, str) or "." not in target:
        raise ValueError(f"{target!r} is not the dotted name of a class")
    if trusted is not None and not _within(target, trusted):
        raise ValueError(f"{target} is refused: a checkpoint may only name {' or '.join(trusted)}")
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{target} cannot be imported: {error}") from error
    if not isinstance(found, type):
        raise ValueError(f"{target} is not a class")
    # a trusted module's own imports are reachable through its name
    if trusted is not None and not _within(found.__module__, trusted):
        raise ValueError(f"{target} is refused: it is defined in {found.__module__}")
    return found


def _within(name: str, packages: Iterable[str]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def parameters(cls: type) -> dict[str, tuple[Any, bool]]:
    """What a config may say about `cls`: name -> (type, whether it must be said)."""
    hints = get_type_hints(cls.__init__, include_extras=True)  # type: ignore[misc]
    found = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        found[name] = (hints.get(name, Any), parameter.default is parameter.empty)
    if issubclass(cls, torch.optim.Optimizer):
        del found["params"]
        found |= {k: (OPTIMIZER_RANGES[k], found[k][1]) for k in OPTIMIZER_RANGES if k in found}
    return found


@functools.cache
def _adapter(wanted: Any) -> pydantic.TypeAdapter[Any]:
    config = pydantic.ConfigDict(allow_inf_nan=False, arbitrary_types_allowed=True)
    return pydantic.TypeAdapter(wanted, config=config)


class Checker:
    """Checks a resolved config and collects what is wrong with it.

    Args:
        variables: full keys that other keys interpolate; they need no reader of their own.
        trusted: see `locate`.
    """

    def __init__(
        self, variables: Collection[str] = (), trusted: Sequence[str] | None = None
    ) -> None:
        self.variables, self.trusted = variables, trusted
        self.problems: dict[str, str] = {}

    def value(self, value: Any, wanted: Any, key: str) -> Any:
        """`value`, which stands at `key`, as the type `wanted`; nested nodes are checked too."""
        if value == "???":
            self.problems[key] = f"{key}: missing; give {key}=..."
        elif dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
            return self._section(value, wanted, key)
        elif get_origin(wanted) is dict and isinstance(value, Mapping):
            inner = get_args(wanted)[1]
            return {name: self.value(v, inner, f"{key}.{name}") for name, v in value.items()}
        elif isinstance(value, Mapping) and TARGET in value:
            return self._node(value, wanted, key)
        elif _is_component(wanted):
            self.problems[key] = (
                f"{key}={value!r}: should name a {wanted.__name__} in {key}.{TARGET}"
            )
        else:
            return self._plain(value, wanted, key)
        return None

    def _plain(self, value: Any, wanted: Any, key: str) -> Any:
        try:
            checked = _adapter(wanted).validate_python(value)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            said = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
            said = said.split(", unable to ")[0].split(", got a number")[0]
            if first["type"] == "missing":  # a tuple that is too short
                self.problems[key] = f"{key}={value!r}: too few values"
                return None
            inside = "".join(f"[{i}]" for i in first["loc"] if isinstance(i, int))
            self.problems[key] = f"{key}{inside}={first['input']!r}: should be {said}"
            return None
        if isinstance(value, bool) and not isinstance(checked, bool):
            self.problems[key] = f"{key}={value!r}: should be a number"
        return checked

    def _section(self, value: Any, wanted: type, key: str) -> Any:
        """A mapping with a dataclass for a schema, and perhaps a component of its own."""
        if not isinstance(value, Mapping):
            self.problems[key] = f"{key}={value!r}: should be a group of keys"
            return None
        component = getattr(wanted, "component", None)
        if component is None:
            return self._arguments(value, [wanted], key)
        cls = self._class(value, component, key)
        return cls and {TARGET: value[TARGET], **self._arguments(value, [wanted, cls], key)}

    def _node(self, value: Mapping[str, Any], wanted: Any, key: str) -> Any:
        cls = self._class(value, wanted, key)
        return cls and {TARGET: value[TARGET], **self._arguments(value, [cls], key)}

    def _class(self, value: Mapping[str, Any], wanted: Any, key: str) -> type | None:
        where = f"{key}.{TARGET}"
        try:
            cls = locate(value.get(TARGET), self.trusted)
        except ValueError as error:
            self.problems[where] = f"{where}: {error}"
            return None
        if wanted is not Any and isinstance(wanted, type) and not issubclass(cls, wanted):
            self.problems[where] = f"{where}: {value[TARGET]} is not a {wanted.__name__}"
            return None
        return cls

    def _arguments(self, value: Mapping[str, Any], classes: list[type], key: str) -> dict[str, Any]:
        known = {name: of for cls in classes for name, of in parameters(cls).items()}
        checked = {}
        for name, inner in value.items():
            full = f"{key}.{name}".lstrip(".")
            if name in known:
                checked[name] = self.value(inner, known[name][0], full)
            elif full in self.variables:
                checked[name] = inner
            elif name != TARGET:
                self.problems[full] = f"{full}: no such key" + nearest(str(name), known)
        for name in known.keys() - value.keys():
            if known[name][1]:
                full = f"{key}.{name}".lstrip(".")
                self.problems[full] = f"{full}: missing; give +{full}=..."
        return checked


def _is_component(wanted: Any) -> bool:
    """Whether `wanted` is a class that only a `_target_` can give."""
    return isinstance(wanted, type) and wanted.__module__.startswith(("gan_cli.", "torch."))


def build(value: Any, trusted: Sequence[str] | None = None, **given: Any) -> Any:
    """Checked plain values to objects: calls the class behind each `_target_`, innermost first.

    Raises:
        ValueError: a constructor refuses its arguments.
    """
    if isinstance(value, Mapping):
        made = {name: build(v, trusted) for name, v in value.items() if name != TARGET}
        if TARGET not in value:
            return made
        cls = locate(value[TARGET], trusted)
        known = parameters(cls)
        return cls(**{k: v for k, v in made.items() if k in known}, **given)
    return value


def raise_if_any(problems: Mapping[str, str]) -> None:
    """Show all problems at once."""
    if problems:
        raise UserError(*problems.values())
