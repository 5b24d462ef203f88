"""`--explain`: one key, group of keys or choice, from signatures and the comments of the YAML."""

import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_cli.cli.composed import SCHEMAS, Composed, compose_for, groups_in
from gan_cli.cli.diagnosis import TOGETHER
from gan_cli.cli.guide import PLURALS, list_lines, shown, wrapped
from gan_cli.cli.overrides import UNLISTED
from gan_cli.config.comments import read_comments
from gan_cli.errors import UserError
from gan_cli.spelling import nearest


def explain_lines(
    wanted: str, config_name: str, folders: Sequence[Path], overrides: Sequence[str]
) -> Iterator[str]:
    """What a key is, or a choice of a group.

    Args:
        wanted: `trainer.on_nan`, `trainer`, `model=dcgan`, `model` or `tricks.r1`.
        config_name: the command's primary config.
        folders: with YAML, the primary config's first.
        overrides: what else was typed.

    Raises:
        UserError: there is no such key or choice.
        HydraException, OmegaConfBaseException: what was typed does not compose.
    """
    groups = groups_in(folders) if config_name == "train" else {}
    name, _, choice = wanted.partition("=")
    name = PLURALS.get(name, name)
    choice = choice.strip("[]'\"")
    if name in groups and choice in groups[name]:
        yield from _choice(name, choice, config_name, folders, overrides)
        return
    if name in groups and choice:
        raise UserError(f"--explain {wanted}: no such {name}{nearest(choice, groups[name])}")
    composed = compose_for(config_name, folders, overrides)
    for group in (g for g in TOGETHER if g in groups):
        option, _, key = name.removeprefix(f"{group}.").partition(".")
        if name.startswith(f"{group}.") and option not in composed.plain[group]:
            if option not in groups[group]:
                raise UserError(f"{name}: no such {group}{nearest(option, groups[group])}")
            if not key:
                yield from _choice(group, option, config_name, folders, overrides)
                return
            composed = compose_for(config_name, folders, _adding(group, option, overrides))
    yield from _key(name, composed, config_name)
    if name in groups:
        yield ""
        yield f"Choices for {name}="
        yield from list_lines(name, folders)


def _adding(group: str, option: str, overrides: Sequence[str]) -> list[str]:
    """What was typed, and one more choice of a group of which several can be chosen."""
    given = [o.partition("=")[2].strip("[]'\"") for o in overrides if o.startswith(f"{group}=")]
    rest = [o for o in overrides if not o.startswith(f"{group}=")]
    return [*rest, f"{group}=[{','.join([*given, option])}]"]


def _choice(
    group: str, option: str, config_name: str, folders: Sequence[Path], overrides: Sequence[str]
) -> Iterator[str]:
    """A choice: what its YAML says of it, what it brings, its keys."""
    path = next(p for f in reversed(folders) if (p := f / group / f"{option}.yaml").is_file())
    text = read_comments(path)
    typed = f"{group}=[{option}]" if group in TOGETHER else f"{group}={option}"
    yield typed
    yield from wrapped(text.about)
    yield ""
    yield from (f"  {example}" for example in text.examples)
    if text.included:
        yield ""
        yield from wrapped(f"includes {', '.join(filter(None, map(_included, text.included)))}")
    if group in TOGETHER:
        composed = compose_for(config_name, folders, _adding(group, option, overrides))
    else:
        composed = compose_for(config_name, folders, [*overrides, typed])
    own = {f"{group}/{option}.yaml"}
    while more := {s.name for s in composed.sources if s.parent in own} - own:
        own |= more
    keys = {key for source in composed.sources if source.name in own for key in source.keys}
    keys = {key for key in keys if not any(other.startswith(f"{key}.") for other in keys)}
    shown_keys = [key for key, _ in _ordered(composed.plain) if key in keys]
    yield from _entries([k for k in shown_keys if not _follows(k, composed)], composed, config_name)


def _follows(key: str, composed: Composed) -> bool:
    """Whether nobody would set this key itself."""
    return bool(key.endswith("_target_") or composed.reference(key))


def _included(entry: str) -> str:
    """An entry of a defaults list as one would type it."""
    name, _, value = entry.removeprefix("override ").partition(": ")
    group = name.partition("@")[0].lstrip("/")
    return "" if name == "_self_" else f"{group}={value}" if value else group


def _ordered(tree: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every key in full, groups of keys before what is in them."""
    for name, value in tree.items() if isinstance(tree, Mapping) else ():
        yield f"{above}{name}", value
        yield from _ordered(value, f"{above}{name}.")


def _key(name: str, composed: Composed, config_name: str) -> Iterator[str]:
    """A key, or a group of keys with all that it takes."""
    from gan_cli.config.keys import children, find_key  # torch is imported late

    known = dict(_ordered(composed.plain))
    section, _, rest = name.partition(".")
    player, _, key = rest.partition(".")
    if name not in known and section == "optimizer" and f"optimizer.{key}" in known:
        yield f"{name}: as optimizer.{key}, for the player {player} alone"
        name = f"optimizer.{key}"
    found = find_key(_schema(config_name), composed.plain, name)
    if found is None and name not in known:
        raise UserError(f"--explain {name}: no such key{_hint(name, composed)}")
    inner = children(found.wanted, known.get(name)) if found else {}
    value = known.get(name)
    if not inner and not isinstance(value, Mapping):
        yield from list(_entries([name], composed, config_name))[1:]
        if origin := composed.origin(name):
            yield f"    set in {origin}"
        return
    yield name
    about = composed.comment(name) or _about_section(name, composed)
    yield from wrapped(about)
    names = [n for n in (value if isinstance(value, Mapping) else {}) if n != "_target_"]
    names += [n for n in inner if n not in names]
    yield from _entries([f"{name}.{n}" for n in names], composed, config_name)


def _hint(name: str, composed: Composed) -> str:
    """The nearest key."""
    keys = [key for key, _ in _ordered(composed.plain)]
    return nearest(name, keys) if len(name) > 2 else ""


def _about_section(name: str, composed: Composed) -> str:
    """What the head of the file says that the keys of a section stand in."""
    heads = [s.text.about for s in composed.sources if s.package == name and s.text.about]
    return heads[-1] if heads else ""


def _entries(keys: Sequence[str], composed: Composed, config_name: str) -> Iterator[str]:
    """For each key its value, what it takes, what is said of it."""
    from gan_cli.config.keys import find_key

    known, schema = dict(_ordered(composed.plain)), _schema(config_name)
    for key in keys:
        found = find_key(schema, composed.plain, key)
        yield ""
        if key not in known:
            default = found.default if found else inspect.Parameter.empty
            value = "..." if default is inspect.Parameter.empty else shown(default)
            plus = "" if UNLISTED.match(f"{key}=") else "+"
            yield f"{plus}{key}={value}"
        elif isinstance(known[key], Mapping):
            yield f"{key}: a group of keys; see --explain {key}"
        else:
            yield f"{key}={shown(known[key])}"
        follows = composed.reference(key)
        said = [text.rstrip(".") for text in (composed.comment(key), found.says if found else "")]
        yield from wrapped(f"takes {found.takes}" if found and found.takes else "", "    ")
        for text in dict.fromkeys(filter(None, said)):
            yield from wrapped(text, "    ")
        if follows:
            yield from wrapped(f"follows {follows}", "    ")


def _schema(config_name: str) -> type:
    """What a command's config becomes."""
    module, _, name = SCHEMAS.get(config_name, SCHEMAS["train"]).rpartition(".")
    found: type = getattr(importlib.import_module(module), name)
    return found
