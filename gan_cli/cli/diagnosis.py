"""Why a config did not compose: all mistakes at once, each with its nearest right spelling."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra import compose
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from gan_cli.paths import conf_folder
from gan_cli.spelling import nearest


def diagnose(
    error: Exception, config_name: str, folders: list[Path], overrides: list[str]
) -> list[str]:
    """One line per mistake in the overrides; failing that, what Hydra said, shortened.

    Args:
        error: why Hydra gave up.
        config_name: the primary config.
        folders: that of the primary config, then others with YAML.
        overrides: as typed.
    """
    search_path = create_config_search_path(str(folders[0]))
    for number, folder in enumerate(folders[1:]):
        search_path.prepend(f"own{number}", f"file://{folder}")
    instance = GlobalHydra.instance()
    instance.clear()
    Hydra.create_main_hydra2("diagnosis", search_path)
    try:
        problems = [] if folders[0] == conf_folder() else list(_regrouped(overrides))
        problems = problems or list(_problems(config_name, overrides))
    except (HydraException, ValueError):
        problems = []
    finally:
        instance.clear()
    return problems or [_shortened(error)]


def _regrouped(overrides: list[str]) -> Iterator[str]:
    """Groups that are chosen anew for a resumed run."""
    for override in overrides:
        name = override.partition("=")[0].lstrip("+~")
        if (conf_folder() / name).is_dir():
            yield f"{name}: a resumed run keeps its {name}; only single keys can be overridden"


def _problems(config_name: str, arguments: list[str]) -> Iterator[str]:
    parser = OverridesParser.create()
    parsed: list[Override] = []
    for argument in arguments:
        try:
            override = parser.parse_override(argument)
            if not override.key_or_group:
                raise HydraException(argument)
            parsed.append(override)
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
