"""What was chosen of each config group, and what a recipe says of a choice that is not its own."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from gan_cli.cli.overrides import parse, typed, typed_groups
from gan_cli.paths import conf_folder

log = logging.getLogger(__name__)

GROUPS = ("model", "loss", "data", "optimizer")
"""Of which a recipe chooses one option and pins its keys."""


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
    """Let a recipe be taken with other data, another model, loss or optimizer than its own.

    What it pins of keys that the other choice does not have is taken out of `config`, which is
    changed in place; with another model also what it pins of tricks that its own model brings.
    That, and what stays, is logged, unless `quiet`.
    """
    hydra = HydraConfig.get()
    experiment = hydra.runtime.choices.get("experiment")
    if not isinstance(experiment, str):
        return
    from gan_cli.config.reader import leaves  # torch is imported late

    recipes = list(_recipes(hydra, experiment))
    given = typed_groups(typed(hydra), [conf_folder()])
    replaced = [g for g in GROUPS if g in given or _chosen_by(recipes, g) - {_choice(hydra, g)}]
    if not replaced:
        return
    typed_keys, absent = _typed_keys(hydra), object()
    pinned = dict.fromkeys(key for recipe in recipes for key, _ in leaves(recipe))
    gone = _take_out_unknown(config, replaced, typed_keys)
    if "model" in replaced and "tricks" not in given:
        gone += _take_out_tricks(config)
    for group in replaced if not quiet else ():
        keys = [k for k in pinned if k.startswith(f"{group}.") and k not in typed_keys]
        kept = [k for k in keys if OmegaConf.select(config, k, default=absent) is not absent]
        without = [k for k in gone if k.startswith(f"{group}.")]
        if group == "model":
            without += [k for k in gone if k.startswith("tricks.")]
        if kept or without:
            said = [f"keeps {', '.join(f'{k}={_said(config, k)}' for k in kept)}"] if kept else []
            said += [f"without {', '.join(without)}, which it does not have"] if without else []
            choice = f"{group}={_choice(hydra, group)}"
            log.info("experiment=%s with %s: %s", experiment, choice, "; ".join(said))


def _choice(hydra: Any, group: str) -> str:
    return str(hydra.runtime.choices.get(group))


def _recipes(hydra: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """An experiment's YAML, and before it those of experiments that it goes on from."""
    for source in hydra.runtime.config_sources:
        file = Path(source.path) / "experiment" / f"{name}.yaml"
        if source.schema == "file" and file.is_file():
            recipe = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            for entry in recipe.get("defaults", []):
                inner = _inner(entry)
                if inner not in ("", name):
                    yield from _recipes(hydra, inner)
            yield recipe
            return


def _inner(entry: Any) -> str:
    """Which experiment an entry of an experiment's defaults names; empty where none."""
    if isinstance(entry, Mapping):
        found = [v for k, v in entry.items() if str(k).partition("@")[0] == "/experiment"]
        return str(found[0]) if found else ""
    name = str(entry).partition("@")[0]
    return name.removeprefix("/experiment/") if name != "_self_" else ""


def _chosen_by(recipes: Sequence[Mapping[str, Any]], group: str) -> set[str]:
    """What recipes choose of a group."""
    entries = [entry for recipe in recipes for entry in recipe.get("defaults", [])]
    wanted = f"override /{group}"
    return {str(e[wanted]) for e in entries if isinstance(e, Mapping) and wanted in e}


def _typed_keys(hydra: Any) -> set[str]:
    """Full keys that were given on the command line, those within mappings too."""
    from gan_cli.config.reader import leaves

    found = set()
    for override in filter(None, map(parse, typed(hydra))):
        value = None if override.is_delete() else override.value()
        key = str(override.key_or_group)
        found |= {f"{key}.{k}".rstrip(".") for k, _ in leaves(value)}
    return found


def _take_out_unknown(config: DictConfig, groups: Sequence[str], keys: set[str]) -> list[str]:
    """Delete what nothing reads and nobody typed; again, as one such key may refer to another."""
    from gan_cli.config.reader import unknown_keys  # torch is imported late

    gone: list[str] = []
    while True:
        below = [k for k in unknown_keys(config) if k.partition(".")[0] in groups]
        found = sorted(k for k in below if not any(f"{t}.".startswith(f"{k}.") for t in keys))
        if not found:
            return gone
        for key in found:
            _take_out(config, key)
        gone += found


def _take_out_tricks(config: DictConfig) -> list[str]:
    """Delete what is said of tricks that were not chosen."""
    tricks = config.get("tricks") or {}
    names = [name for name, trick in tricks.items() if OmegaConf.is_dict(trick)]
    gone = [f"tricks.{name}" for name in names if "_target_" not in tricks[name]]
    for key in gone:
        _take_out(config, key)
    return gone


def _take_out(config: DictConfig, key: str) -> None:
    section, _, name = key.rpartition(".")
    node = OmegaConf.select(config, section)
    if OmegaConf.is_dict(node) and name in node:
        with open_dict(node):
            del node[name]


def _said(config: DictConfig, key: str) -> str:
    value = OmegaConf.select(config, key)
    plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    return plain if isinstance(plain, str) else json.dumps(plain)
