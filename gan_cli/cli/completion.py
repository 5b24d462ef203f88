"""Shell completion: what Hydra completes, and the values a key may have. Torch is not imported.

A key's type stands in a signature; to read it without importing what it is the signature of, the
source is parsed.
"""

import ast
import functools
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from hydra.plugins.completion_plugin import DefaultCompletionPlugin
from omegaconf.errors import OmegaConfBaseException

from gan_cli.cli.answers import HYDRAS
from gan_cli.cli.composed import SCHEMAS, Composed, compose_for, groups_in, hydra_over
from gan_cli.cli.diagnosis import TOGETHER
from gan_cli.cli.guide import PLURALS
from gan_cli.paths import PACKAGE

SECTIONS = {
    "trainer": "TrainerSettings",
    "evaluation": "EvaluationSettings",
    "data": "DataSettings",
}
"""Sections whose keys have their types in config/schema.py."""
LISTED = re.compile(r"[\w:]+(, [\w:]+)+")
"""A comment that is nothing but the values there are."""


def complete(shell: str, config_name: str, folders: Sequence[Path], line: str) -> str:
    """What the shell asks for when a person presses TAB.

    Args:
        shell: bash, zsh or fish.
        config_name: the command's primary config.
        folders: with YAML.
        line: all that was typed.

    Returns:
        Words, as that shell takes them from Hydra.
    """
    try:
        found = candidates(config_name, folders, line)
    except (HydraException, OmegaConfBaseException, OSError, ValueError, SystemExit):
        found = []  # a TAB is no place for complaints
    return ("\n" if shell == "fish" else " ").join(found)


def candidates(config_name: str, folders: Sequence[Path], line: str) -> list[str]:
    """The words that the last one may become."""
    try:
        words = shlex.split(line)[1:]
    except ValueError:  # a quote is still open
        words = line.replace("'", "").replace('"', "").split()[1:]
    word = "" if line.endswith(" ") or not words else words.pop()
    before = words[-1] if words else ""
    groups = groups_in(folders) if config_name == "train" else {}
    if before == "--list":
        return [name for name in [*PLURALS, *groups] if name.startswith(word)]
    if word.startswith("-"):
        options = ["--help", "--list", "--explain", *(o for o in HYDRAS if o.startswith("--"))]
        return [option for option in options if option.startswith(word)]
    typed = [w for w in words if "=" in w and not w.startswith("-")]
    key, equals, value = word.partition("=")
    if equals and key in TOGETHER and value.startswith("["):
        return list(_one_more(key, value, groups[key]))
    if equals and key not in groups:
        composed = compose_for(config_name, folders, typed)
        if values := values_of(key, composed, SCHEMAS.get(config_name, "")):
            return [f"{key}={v}" for v in values if v.startswith(value)]
    with hydra_over(folders) as loader:
        if before == "--explain":
            found = DefaultCompletionPlugin(loader)._query(config_name, word or " ")
            return [name.removesuffix("=") for name in found]
        return DefaultCompletionPlugin(loader)._query(config_name, " ".join([*typed, word or " "]))


def _one_more(group: str, value: str, options: Sequence[str]) -> Iterator[str]:
    """`tricks=[r1,` and each option that may follow."""
    chosen, comma, begun = value[1:].rpartition(",")
    for option in options:
        if option.startswith(begun) and option not in chosen.split(","):
            yield f"{group}=[{chosen}{comma}{option}"


def values_of(key: str, composed: Composed, schema: str) -> list[str]:
    """The values that a key may have, where they can be listed; else none.

    Args:
        key: in full.
        composed: the config that it is of.
        schema: the dotted name of what the whole config becomes.
    """
    section, _, name = key.rpartition(".")
    node: Any = composed.plain
    for part in filter(None, section.split(".")):
        node = node.get(part) if isinstance(node, Mapping) else None
    owners = [] if section else [schema]
    if isinstance(node, Mapping) and "_target_" in node:
        owners.append(str(node["_target_"]))
    if section in SECTIONS:
        owners.append(f"gan_cli.config.schema.{SECTIONS[section]}")
    for owner in owners:
        if found := _literals(owner, name):
            return found
    comment = composed.comment(key)
    return comment.split(", ") if LISTED.fullmatch(comment) else []


@functools.cache
def _literals(target: str, name: str) -> list[str]:
    """The literals of an argument's type, or of a dataclass's field."""
    module, _, cls = target.rpartition(".")
    for node in _module(module):
        if isinstance(node, ast.ClassDef) and node.name == cls:
            for inner in node.body:
                if isinstance(inner, ast.AnnAssign) and ast.unparse(inner.target) == name:
                    return _values(inner.annotation, module)
                if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                    arguments = [*inner.args.args, *inner.args.kwonlyargs]
                    types = {a.arg: a.annotation for a in arguments}
                    if annotation := types.get(name):
                        return _values(annotation, module)
            for base in node.bases:
                if isinstance(base, ast.Name) and (found := _literals(f"{module}.{base.id}", name)):
                    return found
    return []


def _module(name: str) -> list[ast.stmt]:
    """The statements of a module of this package."""
    path = PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py")
    ours = name.startswith("gan_cli.") and path.is_file()
    return ast.parse(path.read_text(encoding="utf-8")).body if ours else []


def _values(annotation: ast.expr, module: str) -> list[str]:
    """What can be listed of a type."""
    match annotation:
        case ast.Subscript(value=ast.Name(id="Literal"), slice=literals):
            return [str(value) for value in _constants(literals)]
        case ast.BinOp(left=left, right=right):
            return [*_values(left, module), *_values(right, module)]
        case ast.Constant(value=None):
            return ["null"]
        case ast.Name(id="bool"):
            return ["true", "false"]
        case ast.Name(id=name):
            return _alias(name, module)
        case ast.Attribute(value=ast.Name(id=inner), attr=name):
            for node in _module(module):
                if isinstance(node, ast.ImportFrom) and inner in [a.name for a in node.names]:
                    return _alias(name, f"{node.module}.{inner}")
    return []


def _constants(node: ast.expr) -> list[Any]:
    value = ast.literal_eval(node)
    return list(value) if isinstance(value, tuple) else [value]


def _alias(name: str, module: str) -> list[str]:
    """What can be listed of a type that goes by a name, in its module or where that has it from."""
    for node in _module(module):
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                return _values(value, module)
            case ast.ImportFrom(module=str(other), names=names) if other.startswith("gan_cli"):
                if any(alias.name == name for alias in names):
                    return _alias(name, other)
    return []
