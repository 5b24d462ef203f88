"""Every key as a row: its value, what it may be, what signatures and YAML say of it."""

import dataclasses
import functools
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import optim

from gan_cli.cli.diagnosis import TOGETHER
from gan_cli.cli.overrides import UNLISTED
from gan_cli.config.comments import Commented, read_comments
from gan_cli.config.components import OPTIMIZER_RANGES, TARGET
from gan_cli.config.keys import Key, children
from gan_cli.config.reader import find_links
from gan_cli.config.schema import Settings
from gan_cli.paths import conf_folder

CONF = conf_folder()


@dataclasses.dataclass(frozen=True)
class Row:
    """One key: its value, what it may be, what is said of it."""

    key: str
    value: str
    takes: str
    said: str


@functools.cache
def composed(*overrides: str) -> tuple[Any, Any]:
    """A run's config in plain containers: with its references, and resolved where they can be."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", list(overrides))
    written = OmegaConf.to_container(config, resolve=False)
    config.name = "reference"  # the real one is Hydra's to make, when a run starts
    for source in set(find_links(config).values()):
        if OmegaConf.select(config, source) is None:  # of data that the model is not shown with
            OmegaConf.update(config, source, None, force_add=True)
    return written, OmegaConf.to_container(config, resolve=True, throw_on_missing=False)


def rows(section: str, said: Mapping[str, str], *overrides: str) -> list[Row]:
    """The keys of one section of a run's config, those first that its YAML has.

    Args:
        section: dotted; empty for the keys that are in none.
        said: what YAML says of keys.
        overrides: what was chosen.
    """
    written, resolved = composed(*overrides)
    known: Mapping[str, Key] = children(Settings, resolved)
    for name in filter(None, section.split(".")):
        found = known[name].wanted
        written, resolved = written[name], resolved[name]
        known = children(found, resolved)
    return list(_below(written, resolved, known, section, said))


def _below(
    written: Mapping[str, Any],
    resolved: Mapping[str, Any],
    known: Mapping[str, Key],
    above: str,
    said: Mapping[str, str],
) -> Iterator[Row]:
    for name, value in written.items():
        full = f"{above}.{name}".lstrip(".")
        key = known.get(name)
        if isinstance(value, Mapping):
            if key and above:
                if TARGET in value:
                    target = value[TARGET].removeprefix("gan_cli.")
                    yield Row(full, target, key.takes.partition(":")[0], key.says)
                inner = children(key.wanted, resolved[name])
                yield from _below(value, resolved[name], inner, full, said)
        elif key:
            yield Row(full, shown(value), key.takes, _both(key.says, said.get(full, "")))
    ours = not str(written.get(TARGET, "")).startswith(optim.__name__)
    for name, key in known.items() if TARGET in written else ():
        full = f"{above}.{name}"
        if name not in written and (ours or name in OPTIMIZER_RANGES):
            plus = "" if UNLISTED.match(f"{full}=") else "+"
            if key.default is not inspect.Parameter.empty:
                yield Row(f"{plus}{full}", shown(key.default), key.takes, key.says)


@functools.cache
def rows_of_choice(group: str, name: str) -> list[Row]:
    """The keys that a choice of a group sets, and those it could set."""
    said = comments(group, name)
    override = f"{group}={typed(group, name)}"
    found = []
    for section in sections(group, name):
        found += rows(section, said, override)
    others = [key for key in said if key.split(".")[0] != group.split("/")[0]]
    for section in dict.fromkeys(key.rpartition(".")[0] for key in others):
        if section:  # data says for how long, too; `unrolled` is another game
            found += [row for row in rows(section, said, override) if row.key in others]
    return found


def sections(group: str, name: str) -> list[str]:
    """The sections that a choice of a group fills."""
    if group in TOGETHER:
        return [key for key in comments(group, name) if re.fullmatch(rf"{group}\.\w+", key)]
    return [group.replace("/", ".")]


@functools.cache
def comments(group: str, name: str) -> dict[str, str]:
    """What a YAML says of its keys, and where it is silent, what the one it builds on says."""
    text = read(group, name)
    said: dict[str, str] = {}
    for base in bases(group, text):
        said |= comments(group, base)
    anywhere = "@package _global_" in text.text.partition("\n")[0]
    start = "" if anywhere else group.replace("/", ".") + "."
    own = {f"{start}{key}": about for key, about in text.keys.items()}
    return said | {key: about for key, about in own.items() if about or key not in said}


@functools.cache
def read(group: str, name: str) -> Commented:
    """A choice's YAML."""
    return read_comments(CONF / group / f"{name}.yaml")


def bases(group: str, text: Commented) -> list[str]:
    """The choices of the same group that a YAML builds on."""
    return [name for name in text.included if (CONF / group / f"{name}.yaml").is_file()]


def options(group: str) -> list[str]:
    """The choices of a group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def rows_of_command(
    node: Mapping[str, Any], schema: Any, said: Mapping[str, str], above: str = ""
) -> Iterator[Row]:
    """The keys of another command.

    Args:
        node: its YAML.
        schema: what checks them, where that is known.
        said: what the YAML says of them.
        above: the section that `node` is, with a dot.
    """
    known = children(schema, node) if schema else {}
    for name, value in node.items():
        key = known.get(name)
        if f"{above}{name}" not in said:  # Hydra's
            continue
        if isinstance(value, Mapping):
            yield from rows_of_command(value, key.wanted if key else None, said, f"{name}.")
        else:
            takes = key.takes if key else ""
            yield Row(f"{above}{name}", shown(value), takes, said[f"{above}{name}"])


def typed(group: str, name: str) -> str:
    """A choice as one would type it."""
    return f"[{name}]" if group in TOGETHER else name


def shown(value: Any) -> str:
    """A value as one would type it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(shown, value))}]"
    return "" if value == "???" else str(value)


def _both(documented: str, said: str) -> str:
    """A docstring's sentence, and what a YAML says of the value it chose."""
    if documented.startswith("see `") or not documented:
        return said
    if said.rstrip(".").casefold() in documented.casefold():
        return documented
    return f"{documented} *{said}*"
