"""The reference of every key, made of signatures, docstrings and the comments in the YAML.

`pages` writes it anew each time the site is built, so that it says what the code says.
"""

import contextlib
import importlib
import io
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from docs.site.keys import (
    CONF,
    Row,
    bases,
    options,
    read,
    rows,
    rows_of_choice,
    rows_of_command,
    typed,
)
from docs.site.links import REPOSITORY
from gan_cli.config.comments import Commented, read_comments
from gan_cli.evaluation.evaluate import EvaluateSettings
from gan_cli.exports.write import ExportSettings
from gan_cli.inference.sample import SampleSettings

SCHEMAS = {"sample": SampleSettings, "evaluate": EvaluateSettings, "export": ExportSettings}
"""What checks the keys of a command's YAML."""
GROUPS = {
    "model": ("Models", "A game, its networks, and what goes with them."),
    "data": ("Data", "A dataset, how batches are drawn from it, and how long one trains on it."),
    "loss": ("Losses", "What D and G minimise."),
    "tricks": ("Tricks", "`'tricks=[a,b]'` adds them; a model may bring some of its own."),
    "optimizer": (
        "Optimizers and schedules",
        "`optimizer.lr=1e-4` is for all players, `optimizer.discriminator.lr=4e-4` for one.",
    ),
    "logger": ("Loggers", "Where a run is logged to, beside its own folder."),
}
SECTIONS = ("trainer", "evaluation")
"""Groups of which there is one choice."""
PRESETS = ("debug", "experiment", "search")
"""Groups whose choices set keys of others; recipes and searches have pages of their own."""
RUN = """\
# Every key

A key is written with its full path: `gan-train trainer.steps=500`. What stands here is made of the
constructors' signatures, which check every key before a run starts, and of comments in the YAML.
A key with a plus stands in no YAML, and is set with it: `gan-train +model.generator.max_width=256`.

"""


def pages() -> dict[str, str]:
    """Place in the site -> Markdown."""
    made = {"reference/index.md": _run_page()}
    for group, (title, about) in GROUPS.items():
        made[f"reference/{group}.md"] = f"# {title}\n\n{about}\n\n" + "".join(_choices(group))
    made["reference/optimizer.md"] += "".join(_choices("optimizer/schedule"))
    return made | {"reference/commands.md": _command_page()}


def _choices(group: str) -> Iterator[str]:
    """A part of a page for each choice of a group."""
    for name in options(group):
        text = read(group, name)
        yield f"## `{group}={typed(group, name)}` {{#{name}}}\n\n{_opening(text)}"
        if brought := ", ".join(_brought(text)):
            yield f"Brings {brought}.\n\n"
        found = rows_of_choice(group, name)
        for base in bases(group, text)[:1]:
            before = rows_of_choice(group, base)
            found = [row for row in found if row not in before]
            yield f"All that is not named here is as in [{base}](#{base}).\n\n"
        yield table(found)


def _brought(text: Commented) -> Iterator[str]:
    """What a choice chooses of other groups."""
    for entry in text.included:
        group, _, name = entry.removeprefix("override ").lstrip("/").partition(": ")
        group = group.partition("@")[0]
        if group.startswith("tricks/"):
            group, name = "tricks", group.removeprefix("tricks/")
        if name:
            page = group.partition("/")[0]
            yield f"[`{group}={typed(group, name)}`]({page}.md#{name})"


def _run_page() -> str:
    said = read_comments(CONF / "train.yaml").keys
    groups = {f"{g}.{k}": v for g in SECTIONS for k, v in read(g, "default").keys.items()}
    parts = [RUN, "## The run\n\n", table(rows("", said))]
    for group in SECTIONS:
        parts += [f"## `{group}`\n\n", _opening(read(group, "default"))]
        parts += [table(rows(group, groups))]
    parts += ["## `ema`\n\n", f"{said['ema'][:1].upper()}{said['ema'][1:]}.\n\n"]
    parts += [table(rows("ema", said))]
    for name in options("debug"):
        parts += [f"## `debug={name}`\n\n", _opening(read("debug", name))]
    return "".join(parts)


def _command_page() -> str:
    """Every command that is installed, beside gan-train."""
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    parts = ["# The other commands\n\n`gan-train` takes the keys of the other pages.\n\n"]
    for command, place in scripts.items():
        name = command.removeprefix("gan-")
        path = CONF / f"{name}.yaml"
        if name == "train":
            continue
        parts.append(f"## {command}\n\n")
        if path.exists():
            text = read_comments(path)
            node = yaml.safe_load(text.text)
            parts += [_opening(text), table(rows_of_command(node, SCHEMAS.get(name), text.keys))]
        else:
            module = importlib.import_module(place.partition(":")[0])
            parts.append(f"```\n{_help(module)}\n```\n\n")
    return "".join(parts)


def _help(module: Any) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        module.run(["--help"])
    return said.getvalue().rstrip()


def _opening(text: Commented) -> str:
    """What a YAML is, and commands that use it."""
    about = re.sub(r"docs/([\w/]+\.md)", r"[\1](../\1)", text.about)
    return f"{about}\n\n```sh\n{chr(10).join(text.examples)}\n```\n\n"


def table(found: Iterable[Row]) -> str:
    """Rows as Markdown."""
    lines = ["| key | value | may be | what it is |", "|---|---|---|---|"]
    for row in found:
        cells = (f"`{row.key}`", _value_cell(row.value), row.takes, row.said)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n\n" if len(lines) > 2 else "It has no keys.\n\n"


def _value_cell(value: str) -> str:
    """A value, or what it follows."""
    if followed := re.fullmatch(r"\$\{([\w.]+)\}", value):
        return f"as `{followed[1]}`"
    if by_device := re.fullmatch(r"\$\{on_gpu:(\S+),(\S+)\}", value):
        return f"`{by_device[1]}` on a GPU, else `{by_device[2]}`"
    return f"`{value}`" if value else ""
