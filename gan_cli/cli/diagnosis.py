"""Why a config did not compose: all mistakes at once, each with its nearest right spelling."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from hydra import compose
from hydra.conf import HydraConf
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from gan_cli.cli.composed import groups_in, hydra_over
from gan_cli.cli.habits import is_near, meant
from gan_cli.cli.overrides import as_typed
from gan_cli.errors import UserError
from gan_cli.paths import conf_folder
from gan_cli.spelling import nearest

MANY = 20
"""Choices beyond this are not listed beside the nearest one."""
TOGETHER = ("tricks", "logger")
"""Groups of which several are chosen together."""


def diagnose(
    error: Exception,
    config_name: str,
    folders: list[Path],
    overrides: list[str],
    sweeps: bool = False,
) -> list[str]:
    """One line per mistake in the overrides; failing that, what Hydra said, shortened.

    Args:
        error: why Hydra gave up.
        config_name: the primary config.
        folders: that of the primary config, then others with YAML.
        overrides: as typed.
        sweeps: whether a key may have several values.
    """
    try:
        with hydra_over(folders) as loader:
            groups = groups_in([*folders, conf_folder()])
            problems = list(_problems(loader, config_name, overrides, sweeps, groups))
    except (HydraException, ValueError):
        problems = []
    return problems or [_shortened(error)]


def wrong_beside(
    unknown: Sequence[str],
    config_name: str,
    folders: Sequence[Path],
    overrides: Sequence[str],
    check: Callable[[DictConfig], object],
) -> list[str]:
    """What else is wrong where keys are mistyped: the values of the other keys.

    Nothing is said, and nothing is waited for, where no other keys were given.

    Args:
        unknown: what was found of the mistyped keys.
        config_name, folders, overrides: as for `diagnose`.
        check: of a composed config.
    """
    if not all(": no such key" in problem for problem in unknown):
        return []
    wrong = [problem.partition(":")[0] for problem in unknown]
    good = [o for o in overrides if o.partition("=")[0].lstrip("+~") not in wrong]
    if not any("." in o.partition("=")[0] for o in good):
        return []
    try:
        with hydra_over(folders):
            check(composed(config_name, good))
    except UserError as error:
        return list(error.problems)
    except (HydraException, ValueError):
        return []
    return []


def composed(config_name: str, overrides: Sequence[str]) -> DictConfig:
    """A job's config, as Hydra would hand it on; for use within `hydra_over`."""
    config = compose(config_name, overrides=list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(config)  # a name may hold ${hydra:...}
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def unknown_in_hydra(overrides: Sequence[str]) -> list[str]:
    """A line for each key under `hydra.` that Hydra never reads, though it takes `+hydra.foo=1`."""
    found = []
    for override in overrides:
        key = override.partition("=")[0].lstrip("+~")
        section, *names = key.split(".")
        here: Any = HydraConf if section == "hydra" else None
        for name in names:
            if not dataclasses.is_dataclass(here):
                break  # what is below is a plugin's, or anything
            known = get_type_hints(here)
            if name not in known:
                found.append(f"{key}: no such key{nearest(name, known)}")
            here = known.get(name)
    return found


def _problems(
    loader: ConfigLoader,
    config_name: str,
    arguments: list[str],
    sweeps: bool,
    groups: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    parser = OverridesParser.create()
    parsed: list[Override] = []
    for argument in arguments:
        try:
            override = parser.parse_override(argument)
            if not override.key_or_group:
                raise HydraException(argument)
            parsed.append(override)
        except HydraException:
            typed = as_typed(argument)
            yield f"{typed}: not understood; write key=value and quote what has special signs"
    yield from unknown_in_hydra(arguments)
    good_groups = []
    keys = []
    for override in parsed:
        name = override.key_or_group
        options = loader.get_group_options(name)
        if not options:
            keys.append(override)
            continue
        wrong = [choice for choice in _choices(override) if choice not in options]
        for choice in wrong:
            yield f"{name}={choice}: no such {name}{_nearest(choice, options)}"
        if wrong:
            continue
        if not override.is_sweep_override():
            good_groups.append(override.input_line)
        elif not sweeps:
            yield _several(override, together=name in TOGETHER)
    chosen = [line for line in good_groups if line]
    config = compose(config_name, overrides=chosen)
    for override in keys:
        name = override.key_or_group
        if name.startswith("hydra"):
            continue
        if override.is_sweep_override() and not sweeps:
            yield _several(override, together=OmegaConf.is_list(OmegaConf.select(config, name)))
        elif not override.is_add() and not override.is_force_add():
            missing, known = _missing(config, name)
            if linked := _linked(config, name):
                yield f"{name}: stands elsewhere; set {linked}"
            elif missing:
                yield f"{name}{_instead(override, missing, known, config, groups, chosen)}"


def _instead(
    override: Override,
    missing: str,
    known: Sequence[str],
    config: DictConfig,
    groups: Mapping[str, Sequence[str]],
    chosen: Sequence[str],
) -> str:
    """What is wrong with a key that is not there, and what to write."""
    name = override.key_or_group
    section, _, rest = name.partition(".")
    trick = rest.partition(".")[0]
    if section in TOGETHER and missing == trick and trick in groups.get(section, ()):
        given = [c.partition("=")[2].strip("[]'\"") for c in chosen if c.startswith(f"{section}=")]
        if section == "logger" and not given:
            given = list(map(str, config.logger))  # tricks of a model stay without being named
        return f": {trick} is not chosen; add '{section}=[{','.join([*given, trick])}]'"
    value = str(override.input_line).partition("=")[2]
    if not is_near(missing, known):
        plain: Any = OmegaConf.to_container(config, resolve=False)
        if right := meant(name, value, plain, groups if "trainer" in plain else ()):
            return f": no such key; write {right}"
    return f": no such key{nearest(missing, known)}"


def _nearest(choice: str, options: list[str]) -> str:
    """The nearest choice, and all there are where that is not too long to read."""
    hint = nearest(choice, options)
    listed = f"there is {', '.join(sorted(options))}"
    return hint if listed in hint or len(options) > MANY else f"{hint} {listed}"


def _several(override: Override, together: bool) -> str:
    """What to do about `key=a,b` where no sweep was asked for."""
    line = as_typed(str(override.input_line))
    key, _, values = line.partition("=")
    as_list = f"write '{key}=[{values}]' to have them together, or " if together else ""
    return f"{line}: several values; {as_list}add -m to try each"


def _choices(override: Override) -> list[str]:
    if override.is_sweep_override():
        return [str(choice) for choice in override.sweep_string_iterator()]
    value = override.value()
    names = value if isinstance(value, list) else [value]
    return [str(name) for name in names if name is not None]


def _missing(config: DictConfig, key: str) -> tuple[str, list[str]]:
    """The first name on the way to `key` that is not there, and the names that are."""
    here: Any = OmegaConf.to_container(config, resolve=False)
    for name in key.split("."):
        known = [str(k) for k in here] if isinstance(here, dict) else []
        if name not in known:
            return name, known
        here = here[name]
    return "", []


def _linked(config: DictConfig, key: str) -> str:
    """What `key` is called where it stands, if a `${reference}` is on the way to it."""
    names = key.split(".")
    plain = OmegaConf.to_container(config, resolve=False)
    for depth in range(1, len(names)):
        plain = plain.get(names[depth - 1]) if isinstance(plain, dict) else None
        if isinstance(plain, str) and (reference := re.fullmatch(r"\$\{([\w.]+)\}", plain)):
            return ".".join([reference[1], *names[depth:]])
    return ""


def _shortened(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) or "Hydra cannot take this; look at the keys that begin with hydra."
