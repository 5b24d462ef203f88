"""What a person types after a command: `key=value`, and what has to be known of it beforehand."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from gan_cli.errors import UserError
from gan_cli.paths import conf_folder

ODD = (ValueError, AttributeError, KeyError, TypeError)
"""What a file raises that holds something else than expected."""
UNLISTED = re.compile(r"optimizer\.(?!schedule\b)\w+\.|tricks\.\w+\.on=")
"""Keys that no YAML lists: a player has what `optimizer` says until its own key is given, and a
trick is for whatever it fits until `on` says otherwise."""


LOGGER = "logger"
"""The group that says where a run is logged."""


def reach_unlisted(argument: str) -> str:
    """Let `optimizer.<player>.<key>=` and `tricks.<name>.on=` be set though no YAML has them."""
    return f"++{argument}" if UNLISTED.match(argument) else argument


def as_typed(argument: str) -> str:
    """The other way."""
    plain = argument.removeprefix("++")
    return plain if UNLISTED.match(plain) else argument


def typed(hydra: Any) -> list[str]:
    """The overrides of a job as they were given: what is `${...}` in them stays so.

    Args:
        hydra: its config.
    """
    given: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    return list(map(str, given))


def parse(argument: str) -> Override | None:
    """An override as Hydra understands it; None where it does not."""
    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None


def value_given(arguments: Sequence[str], key: str) -> str | None:
    """The last value that was given to a key, without quotes; None where there is none."""
    given = [a.partition("=")[2] for a in arguments if a.lstrip("+").startswith(f"{key}=")]
    if not given:
        return None
    override = parse(f"{key}={given[-1]}")
    if override is None or override.is_sweep_override():
        return given[-1].strip("'\"")
    value = override.value()
    return value.text if isinstance(value, QuotedString) else given[-1].strip("'\"")


def swept_keys(file: Path) -> list[str]:
    """The keys and groups that a sweep varies, as its `multirun.yaml` says; none without a file."""
    try:
        hydra = yaml.safe_load(file.read_text(encoding="utf-8"))["hydra"]
        given = list(hydra["overrides"]["task"])
        searched = list(hydra["sweeper"].get("params") or {})
    except (OSError, yaml.YAMLError, *ODD):
        return []
    found = [override for override in map(parse, map(str, given)) if override is not None]
    swept = [str(o.key_or_group) for o in found if o.is_sweep_override()]
    return list(dict.fromkeys([*swept, *map(str, searched)]))


def typed_groups(arguments: Iterable[str], folders: Sequence[Path]) -> dict[str, Any]:
    """The groups that were chosen, by name: one choice, or a list of them.

    Args:
        arguments: overrides.
        folders: with YAML, a folder a group.
    """
    found = {}
    for argument in arguments:
        override = parse(argument)
        name = "" if override is None else override.key_or_group
        if override is not None and any((folder / name).is_dir() for folder in folders if name):
            found[name] = None if override.is_delete() else _plain(override.value())
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.text if isinstance(value, QuotedString) else value


def for_resumed(
    arguments: Sequence[str], saved: Mapping[str, Any], own: Path | None
) -> Iterator[str]:
    """The overrides of a resumed run: what only repeats how it was begun is left out.

    Args:
        arguments: overrides as typed.
        saved: the checkpoint.
        own: a further folder with YAML.

    Raises:
        UserError: groups were chosen otherwise than the checkpoint's; each is named.
    """
    config = OmegaConf.create(saved["config"])
    choices = saved.get("choices")
    choices = choices if isinstance(choices, Mapping) else {}
    folders = [conf_folder(), *([own] if own else [])]
    problems = []
    for argument in arguments:
        for name, chosen in typed_groups([argument], folders).items():
            if name == LOGGER:
                yield from _logged_again(config)
            if not _same(name, chosen, choices, config):
                has = f" ({_shown(choices[name])})" if name in choices else ""
                problems.append(
                    f"{argument}: a resumed run keeps its {name}{has}; only single keys can be "
                    "overridden"
                )
            break
        else:
            key = argument.partition("=")[0]
            if argument.startswith("~") and OmegaConf.select(config, key[1:]) is None:
                continue  # it was taken out when the run began
            # what the first start added is there by now
            adds = argument.startswith("+") and not argument.startswith("++")
            yield f"+{argument}" if adds else argument
    if problems:
        raise UserError(*problems)


def _logged_again(config: DictConfig) -> Iterator[str]:
    """Where the run was logged, as if it was typed: a checkpoint's own word counts for nothing."""
    from gan_cli.sinks.loggers import WHERE

    for name, node in (config.get(LOGGER) or {}).items():
        for key in WHERE & node.keys():
            escaped = str(node[key]).replace("\\", "\\\\").replace("'", "\\'")
            value = "null" if node[key] is None else f"'{escaped}'"
            yield f"{LOGGER}.{name}.{key}={value}"


def _same(name: str, chosen: Any, choices: Mapping[str, Any], config: DictConfig) -> bool:
    if name in choices:
        return _listed(choices[name]) == _listed(chosen)
    if chosen is None:
        return bool(choices)  # of this group nothing was chosen
    # a list that was not typed came with the model, or with an experiment
    has = OmegaConf.select(config, name)
    return OmegaConf.is_dict(has) and sorted(map(str, has)) == sorted(_listed(chosen))


def _listed(chosen: Any) -> list[str]:
    return [str(one) for one in (chosen if isinstance(chosen, list) else [chosen])]


def _shown(chosen: Any) -> str:
    return ", ".join(_listed(chosen))
