"""YAML that somebody else wrote: bounded before anything is made of it."""

from typing import Any

import yaml

MAX_VALUES = 100_000
"""What a text may hold once its aliases are written out; ten lines of them can stand for 10^9."""


class OddYAML(ValueError):
    """A text that is no YAML, or more than anybody would write.

    Attributes:
        line: where, counted from 1; None where that cannot be said.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.line = line


def examine(text: str) -> None:
    """Look at a text without making anything of it.

    Raises:
        OddYAML: it is no YAML, nested too deeply, or explodes.
    """
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        values = 0 if tree is None else _count(tree, {})
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise OddYAML(str(error.problem), line) from error
    except yaml.YAMLError as error:
        raise OddYAML("strange characters") from error
    except RecursionError as error:
        raise OddYAML("nested too deeply, or an alias in itself") from error
    if values > MAX_VALUES:
        raise OddYAML(f"its aliases stand for more than {MAX_VALUES:,} values")


def read(text: str) -> Any:
    """The plain values of a text.

    Raises:
        OddYAML: see `examine`; or a value is none, such as the date 2026-13-45.
    """
    examine(text)
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise OddYAML(str(error.problem), line) from error
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise OddYAML(f"{error}"[:100]) from error


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node is with every alias written out; one within itself never ends."""
    if id(node) not in known:
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = node.value
        elif isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_count(part, known) for part in inner)
    return known[id(node)]
