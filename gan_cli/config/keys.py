"""What each key of a config may be, read off the signature that it will be checked against."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from torch.optim import Optimizer

from gan_cli.config.components import TARGET, component_classes, locate, parameters
from gan_cli.config.schema import DataSettings, OptimizerSettings, TrickSettings
from gan_cli.config.words import in_words, said_of
from gan_cli.tricks.schedules import Schedule

BESIDES = {DataSettings: "dataset", TrickSettings: "trick"}
"""Sections whose keys are partly a component's, and the argument that this component becomes."""


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of a section.

    Attributes:
        wanted: its type.
        needed: whether it must be given.
        default: what the signature says where no YAML does; `inspect.Parameter.empty`: nothing.
        says: what the docstring of the class that it configures says of it.
    """

    wanted: Any
    needed: bool = False
    default: Any = inspect.Parameter.empty
    says: str = ""

    @property
    def takes(self) -> str:
        """The type in words."""
        return in_words(self.wanted)


def find_key(schema: type, plain: Mapping[str, Any], key: str) -> Key | None:
    """The key with this full name; None where no signature knows it.

    Args:
        schema: the dataclass that the whole config becomes.
        plain: the config, resolved.
        key: dotted.
    """
    found: Key | None = Key(schema)
    node: Any = plain
    for name in key.split("."):
        known = children(found.wanted, node) if found is not None else {}
        found, node = known.get(name), node.get(name) if isinstance(node, Mapping) else None
    return found


def children(wanted: Any, value: Any) -> dict[str, Key]:
    """The keys that a node takes, by name.

    Args:
        wanted: the type that is asked for where it stands.
        value: what stands there, which may name a class.
    """
    if get_origin(wanted) is dict and isinstance(value, Mapping):
        return {str(name): Key(get_args(wanted)[1]) for name in value}
    found: dict[str, Key] = {}
    for cls in _classes(wanted, value):
        found |= dict(_parameters(cls))
    if wanted is OptimizerSettings:
        found["schedule"] = Key(Schedule)
        apart = said_of(OptimizerSettings, "lazy_apart") or ""
        found["lazy_apart"] = Key(bool, default=False, says=apart)
        for name, inner in value.items() if isinstance(value, Mapping) else ():
            if isinstance(inner, Mapping) and name not in found:
                found[name] = Key(_PlayerOptimizer(_classes(wanted, {**value, **inner})[0]))
    found.pop(BESIDES.get(wanted, ""), None)
    return found


@dataclasses.dataclass(frozen=True)
class _PlayerOptimizer:
    """Stands for the type of `optimizer.<player>`, which names no class where it has the same."""

    cls: type


def _classes(wanted: Any, value: Any) -> list[type]:
    """The classes whose arguments a node's keys are."""
    if isinstance(wanted, _PlayerOptimizer):
        return [wanted.cls]
    section = dataclasses.is_dataclass(wanted) and isinstance(wanted, type)
    plain = section and wanted is not OptimizerSettings
    found: list[type] = [wanted] if plain else []
    takes_one = wanted in (*BESIDES, OptimizerSettings) or (not section and wanted is not None)
    if takes_one and isinstance(value, Mapping) and TARGET in value:
        try:
            found.append(locate(value[TARGET]))
        except ValueError:
            found += component_classes(wanted) or ([Optimizer] if not plain else [])
    return found


def _parameters(cls: type) -> Iterator[tuple[str, Key]]:
    known = inspect.signature(cls).parameters
    for name, (wanted, needed) in parameters(cls).items():
        says = next(filter(None, (said_of(base, name) for base in cls.__mro__)), "")
        yield name, Key(wanted, needed, known[name].default, says)
