"""What YAML files say of themselves: the comment at their head, and one behind each key.

Reads nothing but text, so that help answers at once.
"""

import dataclasses
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

SENTENCE = re.compile(r"(?<=\.)\s+(?=\w)(?<!al\. )(?<!no\. )")
"""Where one sentence ends and the next begins; not in `Radford et al. 2016`."""


@dataclasses.dataclass(frozen=True)
class Commented:
    """A YAML file as a person reads it.

    Args:
        text: the whole of it.

    Raises:
        yaml.MarkedYAMLError: `keys` of what is no YAML.
    """

    text: str

    @functools.cached_property
    def about(self) -> str:
        """The text of the comment at its head, in one line."""
        return " ".join(filter(None, _head(self.text)[0]))

    @functools.cached_property
    def examples(self) -> Sequence[str]:
        """The commands in that comment."""
        return _head(self.text)[1]

    @functools.cached_property
    def keys(self) -> Mapping[str, str]:
        """Its keys in full, dotted, groups included, with the comment behind each or nothing."""
        behind = _behind(self.text)
        return {key: behind.get(line, "") for key, line in _keys(self._nodes)}

    @functools.cached_property
    def included(self) -> Sequence[str]:
        """Its defaults list, an entry each as it stands there: `override /loss@...: hinge`."""
        found = dict(_defaults(self._nodes))
        return [name if value is None else f"{name}: {value}" for name, value in found.items()]

    @property
    def first_sentence(self) -> str:
        """What it is, as short as it says it."""
        return SENTENCE.split(self.about)[0]

    @functools.cached_property
    def _nodes(self) -> yaml.Node | None:
        return yaml.compose(self.text, yaml.SafeLoader)


def read_comments(path: Path) -> Commented:
    """A YAML file's comments; they are looked for when they are asked for.

    Raises:
        OSError: it cannot be read.
    """
    return Commented(path.read_text(encoding="utf-8"))


def _head(text: str) -> tuple[list[str], list[str]]:
    about: list[str] = []
    examples: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        said = line[1:]
        if said.startswith("   "):
            examples.append(said.strip())
        elif not said.startswith(" @package"):
            about.append(said.strip())
    return about, examples


def _behind(text: str) -> dict[int, str]:
    """The comment behind the content of each line, with the lines that continue it below."""
    ends: dict[int, int] = {}
    for token in yaml.scan(text, yaml.SafeLoader):
        mark = token.end_mark
        ends[mark.line] = max(ends.get(mark.line, 0), mark.column)
    found: dict[int, str] = {}
    begun: tuple[int, int] | None = None  # the line whose comment goes on, and its column
    for number, line in enumerate(text.splitlines()):
        rest = line[ends.get(number, 0) :]
        column = len(line) - len(rest.lstrip())
        if not rest.lstrip().startswith("#"):
            begun = None
        elif line[:column].strip():
            begun = number, column
            found[number] = rest.strip(" #")
        elif begun is not None and column == begun[1]:
            found[begun[0]] += " " + rest.strip(" #")
    return found


def _keys(node: yaml.Node | None, key: str = "") -> Iterator[tuple[str, int]]:
    """Each key in full, with its line."""
    for name, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key or name.value != "defaults":
            full = f"{key}.{name.value}".lstrip(".")
            yield full, name.start_mark.line
            yield from _keys(value, full)


def _defaults(node: yaml.Node | None) -> Iterator[tuple[str, str | None]]:
    """The entries of the defaults list that choose one option."""
    for name, entries in node.value if isinstance(node, yaml.MappingNode) else ():
        for entry in entries.value if name.value == "defaults" else ():
            if isinstance(entry, yaml.ScalarNode):
                yield entry.value, None
            elif isinstance(entry, yaml.MappingNode):
                for option, value in entry.value:
                    if isinstance(value, yaml.ScalarNode):
                        yield option.value, value.value
