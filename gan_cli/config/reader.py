"""The one door by which configs come in.

`read` checks a composed config once and hands on `Settings`, typed and frozen. Nothing below holds
an OmegaConf node, and no class is looked up by its name again.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_cli.config import arithmetic, by_device  # noqa: F401 their values resolve here
from gan_cli.config.schema import Settings
from gan_cli.config.signatures import Checker, raise_if_any
from gan_cli.errors import UserError

REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")


def read(
    config: DictConfig, trusted: Sequence[str] | None = None, unused: Sequence[str] = ()
) -> Settings:
    """A run's config, checked.

    Args:
        config: as Hydra composed it.
        trusted: whose classes it may name; None: any.
        unused: sections that nothing will be built of, where other classes may be named, too.

    Raises:
        UserError: all that is wrong with it, one line per key.
    """
    links = find_links(config)
    settings, plain = check(config, Settings, trusted, unused)
    if settings.loss is not None and "loss" not in links.values():
        raise UserError(
            "loss: this model does not use it; let one of its keys be ${loss}, or leave it out "
            "with ~loss"
        )
    return dataclasses.replace(settings, plain=plain, links=links)


def check(
    config: DictConfig,
    wanted: type,
    trusted: Sequence[str] | None = None,
    unused: Sequence[str] = (),
) -> tuple[Any, dict[str, Any]]:
    """A config as an instance of the dataclass `wanted`, and as resolved plain values.

    Raises:
        UserError: all that is wrong with it, one line per key.
    """
    links = find_links(config)
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
    except OmegaConfBaseException as error:
        source = links.get(str(error.full_key), "")
        there = dict(leaves(OmegaConf.to_container(config, resolve=False)))
        if source.startswith("data.") and source not in there:
            raise UserError(
                f"{error.full_key}: needs {source}, and this data has none; take other data or a "
                "model that fits (see the README's tables)"
            ) from error
        raise UserError(f"{error.full_key}: {str(error).splitlines()[0]}") from error
    tricks = plain.get("tricks")  # type: ignore[union-attr]
    for trick in tricks.values() if isinstance(tricks, dict) else ():
        if isinstance(trick, dict) and True in trick:
            read = trick.pop(True)  # what YAML 1.1 makes of a bare `on`
            trick.setdefault("on", read)
    checker = Checker(variables=set(links.values()), trusted=trusted, unused=unused)
    checked = checker.value(plain, wanted, "")
    # a wrong value that several keys interpolate is reported once, where it was given
    problems: dict[str, str] = {}
    for key, said in checker.problems.items():
        # of a key that should not be there, what it refers to is not to blame
        source = key if key in checker.unknown and key in links else _source(key, links)
        problems.setdefault(source, said.replace(key, source, 1))
    raise_if_any(problems)
    return checked, plain  # type: ignore[return-value]


def unknown_keys(config: DictConfig) -> set[str]:
    """Full keys of a run's config that nothing reads, where they stand."""
    links = find_links(config)
    plain = OmegaConf.to_container(config, resolve=False)
    checker = Checker(variables=set(links.values()))
    checker.value(plain, Settings, "")
    return {key if key in links else _source(key, links) for key in checker.unknown}


def check_plain(values: Mapping[str, Any], wanted: type) -> Any:
    """Plain values as an instance of the dataclass `wanted`.

    Raises:
        UserError: all that is wrong with them, one line per key.
    """
    checker = Checker()
    checked = checker.value(values, wanted, "")
    raise_if_any(checker.problems)
    return checked


def _source(key: str, links: Mapping[str, str]) -> str:
    """Where a value was given: `model.loss.x` is `loss.x` where `model.loss: ${loss}`."""
    head, tail = key, ""
    while head:
        if head in links:
            return _source(links[head] + tail, links)
        head, _, last = head.rpartition(".")
        tail = f".{last}{tail}"
    return key


def find_links(config: DictConfig) -> dict[str, str]:
    """Which keys are `${references}` to which others: `{"model.generator.channels": ...}`."""
    raw = OmegaConf.to_container(config, resolve=False)
    found = {}
    for key, value in leaves(raw):
        match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if match:
            found[key] = match[1]
    return found


def self_contained(config: DictConfig) -> dict[str, Any]:
    """A composed config as plain values that another process can read.

    References of its keys to each other stay; what only Hydra, the clock or this machine can say
    is said.

    Raises:
        UserError: something in it cannot be resolved.
    """
    try:
        resolved = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {str(error).splitlines()[0]}") from error

    def settled(raw: Any, value: Any) -> Any:
        if isinstance(raw, dict) and isinstance(value, dict):
            return {key: settled(raw[key], value[key]) for key in raw}
        is_link = isinstance(raw, str) and REFERENCE.fullmatch(raw)
        return raw if is_link and not raw.startswith("${hydra.") else value

    return settled(OmegaConf.to_container(config, resolve=False), resolved)


def leaves(tree: Any, key: str = "") -> list[tuple[str, Any]]:
    """Full key and value of everything that is not a mapping."""
    if not isinstance(tree, Mapping):
        return [(key, tree)]
    return [
        leaf for name, value in tree.items() for leaf in leaves(value, f"{key}.{name}".lstrip("."))
    ]


def settle_length(config: DictConfig, chosen: Sequence[str]) -> None:
    """One way to say how long: what was given on the command line rules over what comes with YAML.

    Args:
        config: a run's, changed in place.
        chosen: the keys that were given.

    Raises:
        UserError: several ways were given.
    """
    ways = ("trainer.steps", "trainer.epochs", "trainer.minutes")
    given = [way for way in ways if way in chosen and OmegaConf.select(config, way) is not None]
    if len(given) > 1:
        raise UserError(f"{', '.join(given)}: give one of them, not several")
    for way in ways[1:]:
        if given and way not in given and OmegaConf.select(config, way) is not None:
            OmegaConf.update(config, way, None)
