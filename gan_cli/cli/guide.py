"""`--help` and `--list`: what there is, in the words of the YAML. Torch is not imported."""

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_cli.cli.composed import Composed, groups_in
from gan_cli.cli.diagnosis import TOGETHER
from gan_cli.config.comments import read_comments
from gan_cli.errors import UserError
from gan_cli.spelling import nearest

WIDEST, USUAL_TERMINAL = 110, (100, 24)
PLURALS = {
    "models": "model",
    "losses": "loss",
    "optimizers": "optimizer",
    "schedules": "optimizer/schedule",
    "experiments": "experiment",
    "loggers": "logger",
}
OPTIONS = (
    ("--list GROUP", "what a group has to choose from: --list models, tricks, data, ..."),
    ("--explain KEY", "what a key takes and what it does; also groups and choices: model=dcgan"),
    ("-m", "try all combinations of values with commas: -m model=dcgan,vanilla seed=0,1"),
    ("--config-dir DIR", "YAML of your own beside the tool's, in folders named after the groups"),
    ("--cfg job", "print the whole config that would be run, as YAML"),
    ("--version", "print the version"),
    ("--hydra-help", "print further options, of Hydra, which composes the config"),
)
COMMON = ("--explain", "--cfg", "--version", "--hydra-help")
"""The options of commands that have no groups."""


def help_lines(command: str, config_name: str, folder: Path, composed: Composed) -> Iterator[str]:
    """The page that `--help` shows.

    Args:
        command: what it is called.
        config_name: its primary config.
        folder: where that lies.
        composed: the config, with what was typed beside `--help`.
    """
    primary = read_comments(folder / f"{config_name}.yaml")
    yield from wrapped(primary.about, "")
    yield ""
    yield from (f"  {example}" for example in primary.examples)
    groups = {g: names for g, names in composed.groups.items() if config_name == "train"}
    yield ""
    first = "[GROUP=CHOICE ...] " if groups else ""
    first = {"paths": "PATH ... ", "path": "PATH "}.get(next(iter(composed.plain)), first)
    yield f"usage: {command} {first}[KEY=VALUE ...] [OPTION ...]"
    choices = {group: ", ".join(names) for group, names in groups.items() if len(names) > 1}
    if choices:
        yield ""
        yield f"Groups: one small YAML a choice. `{command} --list GROUP` says what each is."
        yield from rows(choices)
    yield ""
    chosen = ", with what you chose" if groups else ""
    yield f"Keys{chosen}. `{command} --explain KEY` says what it takes."
    yield from rows(dict(_keys(composed)))
    yield ""
    yield "Options"
    yield from rows(OPTIONS if groups else [(o, s) for o, s in OPTIONS if o.startswith(COMMON)])


def _keys(composed: Composed) -> Iterator[tuple[str, str]]:
    """Every key that a person may want to set, as it stands, with its comment."""
    for key, value in _leaves(composed.plain):
        if not key.endswith("_target_") and not composed.reference(key):
            yield f"{key}={shown(value)}", composed.comment(key)


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Plain keys before groups of keys, as they come."""
    for name, value in sorted(tree.items(), key=lambda item: isinstance(item[1], Mapping)):
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def shown(value: Any) -> str:
    """A value as a person would type it."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def list_lines(wanted: str, folders: Sequence[Path]) -> Iterator[str]:
    """A line for each choice of a group: its name and what it is.

    Args:
        wanted: the group, also in the plural; empty for all groups' names.
        folders: with YAML.

    Raises:
        UserError: there is no such group.
    """
    groups = groups_in(folders)
    group = PLURALS.get(wanted, wanted)
    if not wanted:
        yield from rows({name: ", ".join(options) for name, options in groups.items()})
        return
    if group not in groups:
        raise UserError(f"--list {wanted}: no such group{nearest(wanted, [*PLURALS, *groups])}")
    files = {p.stem: p for folder in folders for p in (folder / group).glob("*.yaml")}
    yield from rows({n: read_comments(files[n]).first_sentence for n in groups[group]})
    example = groups[group][0]
    typed = f"'{group}=[{example}]'" if group in TOGETHER else f"{group}={example}"
    yield ""
    yield f"gan-train --explain {group}={example} says more; gan-train {typed} takes it."


def rows(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Iterator[str]:
    """Two columns, the second one wrapped; a long entry of the first has a line of its own."""
    pairs = list(dict(pairs).items())
    width = _width()
    column = min(max((len(name) for name, _ in pairs), default=0), width * 2 // 5)
    for name, said in pairs:
        lines = textwrap.wrap(said, max(width - column - 4, 20), break_on_hyphens=False) or [""]
        if len(name) > column:
            yield f"  {name}"
            name = ""
        for line in lines if said or name else ():
            yield f"  {name:{column}}  {line}".rstrip()
            name = ""


def wrapped(text: str, indent: str = "  ") -> list[str]:
    """A paragraph."""
    return textwrap.wrap(
        text, _width(), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _width() -> int:
    return min(shutil.get_terminal_size(USUAL_TERMINAL).columns, WIDEST) - 1
