"""The best trial as an experiment that gan-train takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gan_cli.files import write_whole

NAME = "best"


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` as `{"a": {"b": 1}}`."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *above, last = key.split(".")
        node = tree
        for name in above:
            node = node.setdefault(name, {})
        node[last] = value
    return tree


def write_experiment(
    folder: Path, groups: Mapping[str, Any], values: Mapping[str, Any], about: Sequence[str]
) -> Path:
    """Write `experiment/best.yaml`, in a folder that `--config-dir` takes.

    Args:
        folder: the search's.
        groups: what was chosen of each config group, one name, several, or None.
        values: all other keys that were given, dotted.
        about: lines that say where it comes from.

    Returns:
        The file.
    """
    defaults: list[Any] = []
    groups = dict(groups)
    if base := groups.pop("experiment", None):
        defaults.append(f"/experiment/{base}@_global_")
    defaults += [{f"override /{group}": choice} for group, choice in groups.items()]
    lines = ["# @package _global_", *(f"# {line}" for line in about)]
    body = yaml.safe_dump({"defaults": [*defaults, "_self_"]}, sort_keys=False)
    if values:
        body += "\n" + yaml.safe_dump(nest(values), sort_keys=False)
    path = folder / "experiment" / f"{NAME}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, ("\n".join(lines) + "\n" + body).encode())
    return path
