"""What differs between configs, said once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = object()
CLASS = "._target_"
"""Ends the key that says which class a part of a config is of."""


@dataclass(frozen=True)
class Setting:
    """A config key whose values are not the same in all runs.

    Attributes:
        key: its full name; of a class, that of the part it is of, such as `loss`.
        values: one a run; None where the run's config has no such key.
        detail: whether another setting implies it: a key that only one kind of network has, the
            class behind a name.
    """

    key: str
    values: tuple[int | float | str | None, ...]
    detail: bool


def find_differences(configs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Setting]:
    """The settings that tell runs apart, in the order of the configs.

    Of keys that are linked (`optimizer.lr` and each side's `lr`: same last name, same values in
    every run) the shortest stands for all.

    Args:
        configs: one a run.
        names: what the runs are called; where that says the config's `name`, that key is left out.
    """
    flat = [dict(_leaves(config)) | {"tricks": _tricks(config)} for config in configs]
    keys = dict.fromkeys(key for leaves in flat for key in leaves)
    rows = {key: [leaves.get(key, ABSENT) for leaves in flat] for key in keys}
    rows = {key: row for key, row in rows.items() if len({_same(value) for value in row}) > 1}
    rows = {key: row for key, row in rows.items() if not _is_linked(key, rows)}
    kinds = [_same(leaves.get("name")) for leaves in flat]
    spoken = all(
        str(leaves.get("name", ABSENT)) in n for leaves, n in zip(flat, names, strict=True)
    )
    return [
        Setting(
            key.removesuffix(CLASS),
            tuple(_class_names(row) if key.endswith(CLASS) else map(show, row)),
            _is_detail(key, row, kinds),
        )
        for key, row in rows.items()
        if not (key == "name" and spoken)
        and not (key.startswith("tricks.") and key.endswith(CLASS))  # `tricks` names them
    ]


def _class_names(row: Sequence[Any]) -> list[int | float | str | None]:
    """Classes by their names; after their file's where that takes it to tell them apart."""
    paths = {value for value in row if isinstance(value, str)}
    plain = len({path.rpartition(".")[2] for path in paths}) == len(paths)
    return [
        ".".join(value.split(".")[-1 if plain else -2 :]) if isinstance(value, str) else show(value)
        for value in row
    ]


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _tricks(config: Mapping[str, Any]) -> str:
    """The names of the tricks, which as keys of their own would be a column each."""
    tricks = config.get("tricks") or []
    return ", ".join(map(str, tricks if isinstance(tricks, dict | list) else [tricks])) or "none"


def _is_linked(key: str, rows: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a shorter key, or an earlier one as short, says the same."""
    last, values = key.rpartition(".")[2], [_same(value) for value in rows[key]]
    linked = [
        other
        for other in rows
        if other.rpartition(".")[2] == last and [_same(value) for value in rows[other]] == values
    ]
    return min(linked, key=lambda other: other.count(".")) != key


def _is_detail(key: str, row: Sequence[Any], kinds: Sequence[str]) -> bool:
    values = [_same(value) for value in row]
    there = {value for value in values if value != _same(ABSENT)}
    if len(there) == 1:
        return True  # there or not: with the class it is an argument of
    named = len(set(zip(kinds, values, strict=True))) == len(set(kinds))
    return key.endswith("_target_") and named


def _same(value: Any) -> str:
    """What two values have in common when they mean the same: 1 and 1.0, nan and nan."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return "" if value is ABSENT else json.dumps(value, sort_keys=True, default=str)


def show(value: Any) -> int | float | str | None:
    """A config's value as a cell holds it: numbers as they are, the rest as YAML writes it."""
    if value is ABSENT:
        return None
    if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
