"""Configs against the signatures they configure: every mistake is found before any work starts.

A node with `_target_` names a class, and that class's typed constructor is the node's schema. A
section without one (`trainer:`) has a dataclass for a schema. Mistakes are collected, each under
its full key, so that all of them can be shown together. Nothing is constructed here but frozen
records of what to construct.
"""

import dataclasses
import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Any, get_args, get_origin

import pydantic

from gan_cli.config.components import (
    TARGET,
    Component,
    component_classes,
    locate,
    parameters,
    plain_options,
    within,
)
from gan_cli.errors import UserError
from gan_cli.spelling import nearest

MOST_SHOWN = 20
"""Problems that are shown."""
LONGEST = 500
"""Characters of each."""


def _items(wanted: Any) -> Any | None:
    """What a list of components holds, where `wanted` is one."""
    if get_origin(wanted) in (list, tuple, Sequence):
        inner = get_args(wanted)[0]
        return inner if component_classes(inner) else None
    return None


@functools.cache
def _adapter(wanted: Any) -> pydantic.TypeAdapter[Any]:
    config = pydantic.ConfigDict(allow_inf_nan=False, arbitrary_types_allowed=True)
    return pydantic.TypeAdapter(wanted, config=config)


class Checker:
    """Checks a resolved config and collects what is wrong with it.

    Args:
        variables: full keys that other keys interpolate; they need no reader of their own.
        trusted: see `locate`.
        unused: sections that nothing is built of. Classes that are not trusted may be named
            there and are not looked up: the base class stands for them, without arguments.

    Attributes:
        problems: what is wrong, by key.
        unknown: those keys that should not be there, whatever they hold.
    """

    def __init__(
        self,
        variables: Collection[str] = (),
        trusted: Sequence[str] | None = None,
        unused: Collection[str] = (),
    ) -> None:
        self.variables, self.trusted, self.unused = variables, trusted, unused
        self.problems: dict[str, str] = {}
        self.unknown: set[str] = set()

    def value(self, value: Any, wanted: Any, key: str) -> Any:
        """`value`, which stands at `key`, as the type `wanted`; nodes become components."""
        if value == "???":
            self.problems[key] = f"{key}: missing; give {key}=..."
            return None
        if hasattr(wanted, "from_config"):
            return wanted.from_config(self, value, key)
        if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
            return self._section(value, wanted, key)
        if get_origin(wanted) is dict and isinstance(value, Mapping) and TARGET not in value:
            of_names, inner = get_args(wanted)
            for name in value:
                self._plain(name, of_names, key)
            return {name: self.value(v, inner, f"{key}.{name}") for name, v in value.items()}
        if (inner := _items(wanted)) is not None and isinstance(value, list | tuple):
            return self._list(value, wanted, inner, key)
        classes, plain = component_classes(wanted), plain_options(wanted)
        if isinstance(value, Mapping) and TARGET in value:
            made = self.component(value, classes, key, free=wanted is Any)
            if made is not None and plain:
                for name in getattr(made.cls, "values", ()):
                    self._plain(made.arguments.get(name), plain, f"{key}.{name}")
            return made
        if plain:
            return self._plain(value, plain, key)
        if classes and not (value is None and type(None) in get_args(wanted)):
            names = " or ".join(cls.__name__ for cls in classes)
            self.problems[key] = f"{key}={value!r:.100}: should name a {names} in {key}.{TARGET}"
            return None
        return self._plain(value, wanted, key) if not classes else None

    def component(
        self, value: Mapping[str, Any], classes: Sequence[type], key: str, free: bool = False
    ) -> Component | None:
        """A node with `_target_` as a component of one of `classes`; of any where `free`."""
        if self.is_passed_over(value, key):
            return Component(classes[0] if classes else object, {}, key)
        cls = self.named_class(value, classes, key, free)
        if cls is None:
            return None
        before = set(self.problems)
        made = Component(cls, self.arguments(value, [cls], key), key)
        self._other_keys(cls, key, self.problems.keys() - before)
        return made

    def _other_keys(self, cls: type, key: str, found: Collection[str]) -> None:
        """One line for keys too many and missing, where a class stands in place of another."""
        own = [name for name in found if name.rpartition(".")[0] == key]
        strange = [name for name in own if name in self.unknown]
        missing = [name for name in own if f"{name}: missing" in self.problems[name]]
        advice = getattr(cls, "stands_in", "")
        if advice and strange and len(strange + missing) > 1:  # one alone may be mistyped
            first = min(strange, key=list(self.problems).index)
            for name in strange + missing:
                del self.problems[name]
            self.problems[first] = f"{first}: no such key; {advice}"

    def is_passed_over(self, value: Mapping[str, Any], key: str) -> bool:
        """Whether a node names a class that is not trusted, where nothing is built of it."""
        target = value.get(TARGET)
        if self.trusted is None or key.partition(".")[0] not in self.unused:
            return False
        return isinstance(target, str) and not within(target, self.trusted)

    def named_class(
        self, value: Mapping[str, Any], classes: Sequence[type], key: str, free: bool = False
    ) -> type | None:
        """The class a node names, where it may stand there."""
        where = f"{key}.{TARGET}"
        try:
            if not classes and not free:
                raise ValueError("nothing with a _target_ can stand here")
            cls = locate(value.get(TARGET), self.trusted)
            if classes and not issubclass(cls, tuple(classes)):
                names = " or ".join(c.__name__ for c in classes)
                raise ValueError(f"{value[TARGET]} is not a {names}")
            if missing := sorted(getattr(cls, "__abstractmethods__", ())):
                raise ValueError(
                    f"{value[TARGET]} does not say what {', '.join(missing)} does; name a class "
                    "that does"
                )
            parameters(cls)
        except ValueError as error:
            self.problems[where] = f"{where}: {error}"
            return None
        return cls

    def arguments(
        self,
        value: Mapping[str, Any],
        schemas: Sequence[type],
        key: str,
        skip: Collection[str] = (),
    ) -> dict[str, Any]:
        """The keys of a node as arguments of the signatures `schemas`, but for those to `skip`."""
        known: dict[str, tuple[Any, bool]] = {}
        for cls in schemas:  # the last one says what a key may be, any of them that it must be
            for name, (kind, needed) in parameters(cls).items():
                known[name] = (kind, needed or known.get(name, (None, False))[1])
        known = {name: of for name, of in known.items() if name not in skip}
        checked = {}
        for name, inner in value.items():
            full = f"{key}.{name}".lstrip(".")
            if name in known:
                checked[name] = self.value(inner, known[name][0], full)
            elif full not in self.variables and name != TARGET and name not in skip:
                hint = nearest(str(name), known) if len(self.problems) < MOST_SHOWN else ""
                self.problems[full] = f"{full}: no such key{hint}"
                self.unknown.add(full)
        for name in known.keys() - value.keys():
            if known[name][1]:
                full = f"{key}.{name}".lstrip(".")
                self.problems[full] = f"{full}: missing; give +{full}=..."
        return checked

    def _section(self, value: Any, wanted: type, key: str) -> Any:
        """A mapping with a dataclass for a schema; None where anything in it is wrong."""
        if not isinstance(value, Mapping):
            self.problems[key] = f"{key}={value!r:.100}: should be a group of keys"
            return None
        before = len(self.problems)
        arguments = self.arguments(value, [wanted], key)
        return wanted(**arguments) if len(self.problems) == before else None

    def _list(self, value: Sequence[Any], wanted: Any, inner: Any, key: str) -> Any:
        made = [self.value(v, inner, f"{key}[{i}]") for i, v in enumerate(value)]
        if get_origin(wanted) is not tuple:
            return made
        if (count := len(get_args(wanted))) != len(made):
            said = "too few values" if len(made) < count else f"should be {count} values"
            self.problems[key] = f"{key}={value!r:.100}: {said}"
        return tuple(made)

    def _plain(self, value: Any, wanted: Any, key: str) -> Any:
        try:
            checked = _adapter(wanted).validate_python(value)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            said = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
            said = said.split(", unable to ")[0].split(", got a number")[0]
            if first["type"] == "missing":  # a tuple that is too short
                self.problems[key] = f"{key}={value!r:.100}: too few values"
                return None
            inside = "".join(f"[{i}]" for i in first["loc"] if isinstance(i, int))
            self.problems[key] = f"{key}{inside}={first['input']!r:.100}: should be {said}"
            return None
        if isinstance(value, bool) and not isinstance(checked, bool):
            self.problems[key] = f"{key}={value!r:.100}: should be a number"
        return checked


def raise_if_any(problems: Mapping[str, str]) -> None:
    """Show all problems at once, as far as anybody would read them."""
    if problems:
        lines = [
            said if len(said) <= LONGEST else f"{said[:LONGEST]}..." for said in problems.values()
        ]
        more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
        raise UserError(*lines[:MOST_SHOWN], *more)
