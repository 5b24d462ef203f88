"""Types of constructors' signatures in words, as help says what a key takes."""

import inspect
import re
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen

from gan_cli.config.components import component_classes

NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
PLURALS = {int: "whole numbers", float: "numbers", str: "names", bool: "true or false each"}


def in_words(wanted: Any) -> str:
    """What a value of this type is, `a whole number (1 or more)`; empty: it may be anything."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted is type(None):
        return "null"
    if classes := [] if origin in (Union, types.UnionType) else component_classes(wanted):
        names = " or ".join(cls.__name__ for cls in classes)
        return f"a {names}: its _target_ names the class"
    if origin is Annotated:
        return _with_range(in_words(inner[0]), inner[1:])
    if origin is Literal:
        return _either([str(value) for value in inner])
    if origin in (Union, types.UnionType):
        return _either([in_words(option) for option in inner])
    if origin is tuple and Ellipsis not in inner:
        alike = len(set(map(str, inner))) == 1
        return f"[{len(inner)} values], each {in_words(inner[0])}" if alike else "a list"
    if origin in (list, tuple, Sequence):
        return f"a list of {_plural(inner[0])}"
    if wanted in (dict, Mapping) or origin in (dict, Mapping):
        return "a group of keys"
    return NAMES.get(wanted, "")


def _either(options: Sequence[str]) -> str:
    options = list(dict.fromkeys(filter(None, options)))
    return " or ".join(filter(None, [", ".join(options[:-1]), *options[-1:]]))


def _plural(wanted: Any) -> str:
    if get_origin(wanted) is Annotated:
        first, *notes = get_args(wanted)
        return _with_range(_plural(first), notes)
    if get_origin(wanted) is Literal:
        return in_words(wanted)
    return PLURALS.get(wanted, "values")


def _with_range(noun: str, notes: Sequence[Any]) -> str:
    allowed = _range(notes)
    return f"{noun} ({allowed})" if noun and allowed else noun


def _range(notes: Sequence[Any]) -> str:
    """`from 0 to 1`, `above 0`, `1 or more`."""
    low = high = ""
    for note in notes:
        match note:
            case Ge(least):
                low = f"{least}"
            case Gt(least):
                low = f"above {least}"
            case Le(most):
                high = f"{most}"
            case Lt(most):
                high = f"below {most}"
            case MaxLen(most):
                return f"at most {most}"
    if low and high:
        if low.startswith("above"):
            return f"{low} and {high}" if high.startswith("below") else f"{low}, at most {high}"
        return f"from {low} to {high}"
    if low:
        return low if low.startswith("above") else f"{low} or more"
    return high if not high or high.startswith("below") else f"at most {high}"


def said_of(cls: type, name: str) -> str:
    """What a class's docstring says of an argument or attribute, in one line."""
    doc = inspect.cleandoc(cls.__doc__ or "")
    section = "\n".join(re.findall(r"^(?:Args|Attributes):\n((?: .*\n?|\n)*)", doc, re.MULTILINE))
    found = re.search(rf"^ +{re.escape(name)}: (.*(?:\n {{5,}}.*)*)", section, re.MULTILINE)
    return " ".join(found[1].split()) if found else ""
