"""What was chosen of each config group, and what an experiment says of a choice it did not make."""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from gan_cli.cli.overrides import typed, typed_groups
from gan_cli.paths import conf_folder

log = logging.getLogger(__name__)

REPLACED = ("model", "loss", "data", "optimizer")
"""Groups of which an experiment chooses one option and pins its keys."""


def chosen_groups(saved: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was chosen of each config group when the run was first started."""
    if saved is not None:
        choices = saved.get("choices")
        return dict(choices) if isinstance(choices, Mapping) else {}
    hydra = HydraConfig.get()
    chosen = {k: v for k, v in hydra.runtime.choices.items() if not k.startswith("hydra/")}
    # Hydra leaves out groups of which several are chosen
    return chosen | typed_groups(typed(hydra), [conf_folder()])


def settle_experiment(config: DictConfig, quiet: bool = False) -> None:
    """Let a recipe be taken with other data, another model or optimizer than it names.

    What the experiment pins of keys that the choice typed in its place does not have is taken out
    of `config`, which is changed in place. That, and what stays, is logged, unless `quiet`.
    """
    hydra = HydraConfig.get()
    experiment = hydra.runtime.choices.get("experiment")
    given = typed_groups(typed(hydra), [conf_folder()])
    replaced = {group: given[group] for group in REPLACED if isinstance(given.get(group), str)}
    if not experiment or not replaced:
        return
    from gan_cli.config.reader import unknown_keys  # torch is imported late

    pinned = _pinned(hydra, str(experiment))
    keys = {override.partition("=")[0].lstrip("+~") for override in typed(hydra)}
    unknown = unknown_keys(config) - keys
    for group, choice in replaced.items():
        ours = {k: v for k, v in pinned.items() if k.startswith(f"{group}.") and k not in keys}
        gone = [key for key in ours if any(f"{key}.".startswith(f"{u}.") for u in unknown)]
        for key in gone:
            _take_out(config, key)
        if quiet or not ours:
            continue
        left = ", ".join(f"{k}={_said(v)}" for k, v in ours.items() if k not in gone) or "nothing"
        missing = f"; without {', '.join(gone)}, which it does not have" if gone else ""
        log.info("experiment=%s with %s=%s: keeps %s%s", experiment, group, choice, left, missing)


def _pinned(hydra: Any, experiment: str) -> dict[str, Any]:
    """Full key and value of all that the experiment's own YAML says."""
    for source in hydra.runtime.config_sources:
        file = Path(source.path) / "experiment" / f"{experiment}.yaml"
        if source.schema == "file" and file.is_file():
            return dict(_leaves(yaml.safe_load(file.read_text(encoding="utf-8")) or {}))
    return {}


def _leaves(tree: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, Mapping):
        yield key, tree
        return
    for name, value in tree.items():
        yield from _leaves(value, f"{key}.{name}".lstrip("."))


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _take_out(config: DictConfig, key: str) -> None:
    """Delete a key, and sections that are empty without it."""
    section, _, name = key.rpartition(".")
    node = OmegaConf.select(config, section) if section else config
    if node is None or name not in node:
        return
    with open_dict(node):
        del node[name]
    if not node and section:
        _take_out(config, section)
