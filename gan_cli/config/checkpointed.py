"""Configs that come with a checkpoint: data from a stranger, checked as such.

Only the person at the keyboard is trusted. A checkpoint's config may name classes of this package
and torch's optimizers alone, holds no interpolation, and what it says of downloads, of worker
processes, of files to load and of where a run is logged is not obeyed.
"""

import contextlib
import copy
import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pydantic
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_cli.config.components import TARGET, TRUSTED, locate, parameters
from gan_cli.config.reader import REFERENCE, leaves
from gan_cli.config.schema import Name, Settings
from gan_cli.data.dataset import Dataset
from gan_cli.errors import UserError
from gan_cli.paths import conf_folder
from gan_cli.sinks.loggers import Logger

MISSING = object()
"""Stands for a key that is not there."""
LATER = ("trainer", "evaluation")
"""Sections that decide what is written and how long: no checkpoint needs to say all of it."""
UNLINKED = ("name", "resume", "trust", "data.workers", "evaluation.inception")
"""Keys that follow no other: whoever sets another key has not set these."""
KEY = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")


def relink(saved: Mapping[str, Any], links: Mapping[str, str]) -> DictConfig:
    """The config of a checkpoint, linked again so that overrides reach all they used to reach.

    Keys of `LATER` sections that came after it was made take their defaults.

    Raises:
        UserError: it holds keys that are not a run's, a name that is none, or `${...}`, which
            could read the environment.
    """
    known = {field.name for field in dataclasses.fields(Settings)} - set(Settings.NOT_KEYS)
    for key in saved.keys() - known:  # `hydra:` and `defaults:` would be Hydra's to obey
        raise _refused(f"{key} is no part of a run's config")
    for key, value in leaves(saved):
        if "${" in str(value) or "${" in key:
            raise _refused(f"{key} holds an interpolation")
    try:  # folders are made of it before all else is checked
        pydantic.TypeAdapter(Name).validate_python(saved.get("name"), strict=True)
    except pydantic.ValidationError:
        raise _refused("its name is no name") from None
    plain = {**copy.deepcopy(dict(saved)), "trust": []}  # given on the command line alone
    for section in LATER:
        if isinstance(given := plain.get(section, {}), Mapping):
            defaults = OmegaConf.load(conf_folder() / section / "default.yaml")
            plain[section] = {**OmegaConf.to_container(defaults), **given}  # type: ignore[dict-item]
    if "logger" not in plain:  # of a run from before there was a choice
        default = OmegaConf.load(conf_folder() / "logger" / "tensorboard.yaml")
        plain["logger"] = OmegaConf.to_container(default)
    _disarm(plain)
    _link(plain, links)
    try:
        config = OmegaConf.create(plain)
        OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise _refused(str(error).partition("\n")[0]) from error
    return config


def _refused(why: str) -> UserError:
    return UserError(f"the checkpoint's config is refused: {why:.200}")


def _disarm(config: Mapping[str, Any]) -> None:
    """Take from a checkpoint's config what only the person at the keyboard may order."""
    data, evaluation, loggers = config.get("data"), config.get("evaluation"), config.get("logger")
    for node in loggers.values() if isinstance(loggers, dict) else ():
        if isinstance(node, dict):
            node |= _at_home(node.get(TARGET))
    for node in _mappings(data):
        if "download" in node or _downloads(node.get(TARGET)):
            node["download"] = False
    if isinstance(data, dict) and "workers" in data:
        with contextlib.suppress(ValueError, TypeError, OverflowError):  # refused later
            data["workers"] = min(int(float(data["workers"])), os.cpu_count() or 1)
    if isinstance(evaluation, dict) and evaluation.get("inception") != "none":
        evaluation["inception"] = "auto"


def _at_home(target: Any) -> Mapping[str, Any]:
    """With which arguments a logger of ours sends nothing anywhere."""
    try:
        cls = locate(target, TRUSTED)
    except ValueError:
        return {}
    return cls.at_home if issubclass(cls, Logger) else {}


def _mappings(tree: Any) -> Iterator[dict[Any, Any]]:
    """Every mapping in a plain tree."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for inner in tree:
            yield from _mappings(inner)


def _downloads(target: Any) -> bool:
    """Whether a dataset of ours downloads where its config does not say otherwise."""
    try:
        cls = locate(target, TRUSTED)
    except ValueError:
        return False
    return issubclass(cls, Dataset) and "download" in parameters(cls)


def _link(config: dict[str, Any], links: Mapping[str, str]) -> None:
    """Put `${source}` in the place of each value that still equals its source's."""
    before = copy.deepcopy(config)
    for key, source in links.items():
        ordered = key.endswith(".download") and not source.endswith(".download")
        if key == source or key in UNLINKED or ordered or not KEY.fullmatch(key):
            continue
        *path, last = key.split(".")
        place, value = _find(config, path), _find(before, key.split("."))
        if not isinstance(place, dict) or not REFERENCE.fullmatch(f"${{{source}}}"):
            continue
        if last in place and value is not MISSING and value == _find(before, source.split(".")):
            place[last] = f"${{{source}}}"


def _find(tree: Any, path: Sequence[str]) -> Any:
    """What lies under the names of `path`, null included; `MISSING` where nothing does."""
    for name in path:
        tree = tree.get(name, MISSING) if isinstance(tree, dict) else MISSING
    return tree


def trusted_in_checkpoint(named: Sequence[str]) -> tuple[str, ...]:
    """Packages a checkpoint's config may name: ours, torch's optimizers, and what `trust=` adds."""
    return (*TRUSTED, *named)
