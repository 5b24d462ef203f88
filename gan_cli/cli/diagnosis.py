"""Why a config did not compose: all mistakes at once, each with its nearest right spelling."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from gan_cli.spelling import nearest


def diagnose(error: Exception, config_name: str, folder: Path, arguments: list[str]) -> list[str]:
    """One line per mistake in the overrides; failing that, what Hydra said, shortened."""
    overrides = [a for a in arguments if not a.startswith("-")]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(folder), version_base="1.3"):
            problems = list(_problems(config_name, overrides))
    except HydraException:
        problems = []
    return problems or [_shortened(error)]


def _problems(config_name: str, arguments: list[str]) -> Iterator[str]:
    parser = OverridesParser.create()
    parsed: list[Override] = []
    for argument in arguments:
        try:
            parsed.append(parser.parse_override(argument))
        except HydraException:
            yield f"{argument}: not understood; write key=value and quote what has special signs"
    loader = GlobalHydra.instance().config_loader()
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
            yield f"{name}={choice}: no such {name}{nearest(choice, options)}"
        if not wrong and not override.is_sweep_override():
            good_groups.append(override.input_line)
    config = compose(config_name, overrides=[line for line in good_groups if line])
    for override in keys:
        name = override.key_or_group
        if name.startswith("hydra") or override.is_add():
            continue
        missing, known = _missing(config, name)
        if missing:
            yield f"{name}: no such key{nearest(missing, known)}"


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


def _shortened(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])
