"""The reference of every key, made of signatures, docstrings and the comments in the YAML.

`pages` writes it anew each time the site is built, so that it says what the code says.
"""

import contextlib
import dataclasses
import functools
import importlib
import inspect
import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import optim

from gan_cli.cli.diagnosis import TOGETHER
from gan_cli.cli.overrides import UNLISTED
from gan_cli.config.comments import Commented, read_comments
from gan_cli.config.components import OPTIMIZER_RANGES, TARGET
from gan_cli.config.keys import Key, children
from gan_cli.config.schema import Settings
from gan_cli.evaluation.evaluate import EvaluateSettings
from gan_cli.inference.sample import SampleSettings
from gan_cli.paths import conf_folder

REPOSITORY = Path(__file__).resolve().parents[2]
CONF = conf_folder()
SCHEMAS = {"sample": SampleSettings, "evaluate": EvaluateSettings}
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
PRESETS = ("debug", "experiment")
"""Groups whose choices set keys of others; each recipe has a page of its own."""
RUN = """\
# Every key

A key is written with its full path: `gan-train trainer.steps=500`. What stands here is made of the
constructors' signatures, which check every key before a run starts, and of comments in the YAML.
A key with a plus stands in no YAML, and is set with it: `gan-train +model.generator.max_width=256`.

"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One key: its value, what it may be, what is said of it."""

    key: str
    value: str
    takes: str
    said: str


def pages() -> dict[str, str]:
    """Place in the site -> Markdown."""
    made = {"reference/index.md": _run_page()}
    for group, (title, about) in GROUPS.items():
        made[f"reference/{group}.md"] = f"# {title}\n\n{about}\n\n" + "".join(_choices(group))
    made["reference/optimizer.md"] += "".join(_choices("optimizer/schedule"))
    return made | {"reference/commands.md": _command_page()}


@functools.cache
def composed(*overrides: str) -> tuple[Any, Any]:
    """A run's config in plain containers: with its references, and resolved where they can be."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", list(overrides))
    written = OmegaConf.to_container(config, resolve=False)
    config.name = "reference"  # the real one is Hydra's to make, when a run starts
    return written, OmegaConf.to_container(config, resolve=True, throw_on_missing=False)


def rows(section: str, said: Mapping[str, str], *overrides: str) -> list[Row]:
    """The keys of one section of a run's config, those first that its YAML has.

    Args:
        section: dotted; empty for the keys that are in none.
        said: what YAML says of keys.
        overrides: what was chosen.
    """
    written, resolved = composed(*overrides)
    known: Mapping[str, Key] = children(Settings, resolved)
    for name in filter(None, section.split(".")):
        found = known[name].wanted
        written, resolved = written[name], resolved[name]
        known = children(found, resolved)
    return list(_below(written, resolved, known, section, said))


def _below(
    written: Mapping[str, Any],
    resolved: Mapping[str, Any],
    known: Mapping[str, Key],
    above: str,
    said: Mapping[str, str],
) -> Iterator[Row]:
    for name, value in written.items():
        full = f"{above}.{name}".lstrip(".")
        key = known.get(name)
        if isinstance(value, Mapping):
            if key and above:
                if TARGET in value:
                    target = value[TARGET].removeprefix("gan_cli.")
                    yield Row(full, target, key.takes.partition(":")[0], key.says)
                inner = children(key.wanted, resolved[name])
                yield from _below(value, resolved[name], inner, full, said)
        elif key:
            yield Row(full, shown(value), key.takes, _both(key.says, said.get(full, "")))
    ours = not str(written.get(TARGET, "")).startswith(optim.__name__)
    for name, key in known.items() if TARGET in written else ():
        full = f"{above}.{name}"
        if name not in written and (ours or name in OPTIMIZER_RANGES):
            plus = "" if UNLISTED.match(f"{full}=") else "+"
            if key.default is not inspect.Parameter.empty:
                yield Row(f"{plus}{full}", shown(key.default), key.takes, key.says)


@functools.cache
def rows_of_choice(group: str, name: str) -> list[Row]:
    """The keys that a choice of a group sets, and those it could set."""
    said = comments(group, name)
    override = f"{group}={_typed(group, name)}"
    found = []
    for section in sections(group, name):
        found += rows(section, said, override)
    others = [key for key in said if key.split(".")[0] != group.split("/")[0]]
    for section in dict.fromkeys(key.rpartition(".")[0] for key in others):
        if section:  # data says for how long, too; `unrolled` is another game
            found += [row for row in rows(section, said, override) if row.key in others]
    return found


def sections(group: str, name: str) -> list[str]:
    """The sections that a choice of a group fills."""
    if group in TOGETHER:
        return [key for key in comments(group, name) if re.fullmatch(rf"{group}\.\w+", key)]
    return [group.replace("/", ".")]


@functools.cache
def comments(group: str, name: str) -> dict[str, str]:
    """What a YAML says of its keys, and where it is silent, what the one it builds on says."""
    text = read(group, name)
    said: dict[str, str] = {}
    for base in bases(group, text):
        said |= comments(group, base)
    anywhere = "@package _global_" in text.text.partition("\n")[0]
    start = "" if anywhere else group.replace("/", ".") + "."
    own = {f"{start}{key}": about for key, about in text.keys.items()}
    return said | {key: about for key, about in own.items() if about or key not in said}


@functools.cache
def read(group: str, name: str) -> Commented:
    """A choice's YAML."""
    return read_comments(CONF / group / f"{name}.yaml")


def bases(group: str, text: Commented) -> list[str]:
    """The choices of the same group that a YAML builds on."""
    return [name for name in text.included if (CONF / group / f"{name}.yaml").is_file()]


def options(group: str) -> list[str]:
    """The choices of a group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def _choices(group: str) -> Iterator[str]:
    """A part of a page for each choice of a group."""
    for name in options(group):
        text = read(group, name)
        yield f"## `{group}={_typed(group, name)}` {{#{name}}}\n\n{_opening(text)}"
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
            yield f"[`{group}={_typed(group, name)}`]({page}.md#{name})"


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
            parts += [_opening(text), table(_of_command(node, SCHEMAS.get(name), text.keys))]
        else:
            module = importlib.import_module(place.partition(":")[0])
            parts.append(f"```\n{_help(module)}\n```\n\n")
    return "".join(parts)


def _of_command(
    node: Mapping[str, Any], schema: Any, said: Mapping[str, str], above: str = ""
) -> Iterator[Row]:
    known = children(schema, node) if schema else {}
    for name, value in node.items():
        key = known.get(name)
        if f"{above}{name}" not in said:  # Hydra's
            continue
        if isinstance(value, Mapping):
            yield from _of_command(value, key.wanted if key else None, said, f"{name}.")
        else:
            takes = key.takes if key else ""
            yield Row(f"{above}{name}", shown(value), takes, said[f"{above}{name}"])


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


def _typed(group: str, name: str) -> str:
    return f"[{name}]" if group in TOGETHER else name


def shown(value: Any) -> str:
    """A value as one would type it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(shown, value))}]"
    return "" if value == "???" else str(value)


def _both(documented: str, said: str) -> str:
    """A docstring's sentence, and what a YAML says of the value it chose."""
    if documented.startswith("see `") or not documented:
        return said
    if said.rstrip(".").casefold() in documented.casefold():
        return documented
    return f"{documented} *{said}*"
