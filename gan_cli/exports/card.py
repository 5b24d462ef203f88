"""The model card: what a network is, made of, and worth, for whoever finds it on a hub."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from gan_cli.exports.interface import Drawer

MOST_CLASSES = 100
LONGEST = 200
"""Characters of a text that came with a checkpoint."""
UNKNOWN = "unknown"


class Card(NamedTuple):
    """What a model card says."""

    description: Mapping[str, Any]
    """See `exports.write.describe`."""
    game: str
    """The class of the game."""
    drawers: Mapping[str, Drawer]
    """What was exported, by direction."""
    picture: str | None
    """A file with samples."""
    usage: Sequence[tuple[str, str]]
    """Language and lines of code, each."""
    figures: Sequence[Mapping[str, Any]]
    """Of gan-evaluate: `name`, `value`, `held_out`, `n`, `note`."""
    overrides: Sequence[str]
    """What was given on the command line when it was trained."""

    def to_markdown(self) -> str:
        """The card, under the YAML that model hubs read."""
        about = self.description
        mean = "; its weights are a running mean of those trained" if about["averaged"] else ""
        parts = [
            f"---\n{yaml.safe_dump(self._front_matter(), sort_keys=False)}---",
            f"# {_text(about['name'])}",
            f"A GAN ({self.game}) trained for {about['step']} steps with "
            f"gan-cli {_text(about['versions']['gan-cli'])}. This is the part that draws{mean}.",
            f"![samples]({self.picture})" if self.picture else "",
            "## How to use it",
            *(f"```{language}\n{code}\n```" for language, code in self.usage),
            "## What goes in and comes out",
            *self._ports(),
            "## How good it is",
            self._figures(),
            "## How it was trained",
            self._recipe(),
            "## License",
            self._license(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _front_matter(self) -> dict[str, Any]:
        first = next(iter(self.drawers.values()))
        task = "unconditional-image-generation" if first.latents else "image-to-image"
        return {
            "license": self.description["license"] or UNKNOWN,
            "library_name": "gan-cli",
            **({"pipeline_tag": task} if first.kind == "image" else {}),
            "tags": ["gan", str(self.description["name"])],
        }

    def _ports(self) -> list[str]:
        tables = []
        for direction, drawer in self.drawers.items():
            rows = [
                f"| `{port.name}` | {way} | {port.dtype} "
                f"[{', '.join(['N', *map(str, port.shape)])}] | {port.meaning} |"
                for way, ports in (("in", drawer.inputs), ("out", [drawer.output]))
                for port in ports
            ]
            head = f"`direction={direction}`:\n\n" if direction else ""
            tables.append("\n".join([f"{head}| tensor | | type | |", "|---|---|---|---|", *rows]))
        names = self.description["class_names"]
        if "see class_names" in "".join(tables):
            shown = ", ".join(f"{i} {_text(name)}" for i, name in enumerate(names[:MOST_CLASSES]))
            more = f" and {len(names) - MOST_CLASSES} more" if len(names) > MOST_CLASSES else ""
            tables.append(f"Classes: {shown}{more}.")
        return tables

    def _figures(self) -> str:
        if not self.figures:
            return "It was not measured; `gan-evaluate` does that."
        rows = [
            f"| `{_text(v['name'])}` | {_number(v.get('value'))} | {_number(v.get('held_out'))} "
            f"| {_number(v.get('n'))} | {_text(v.get('note') or '')} |"
            for v in self.figures
        ]
        head = ["| metric | samples | held-out reals | n | |", "|---|---|---|---|---|"]
        return "Measured by `gan-evaluate`, beside real samples that were held out:\n\n" + (
            "\n".join([*head, *rows])
        )

    def _recipe(self) -> str:
        given = shlex.join(_code(override) for override in self.overrides)
        command = f"```sh\n{f'gan-train {given}'.strip()}\n```\n\n" if self.overrides else ""
        config = yaml.safe_dump(
            self.description["config"], sort_keys=False, width=float("inf"), allow_unicode=False
        )
        config = config.replace("`", "'")  # three of them would end the block
        return (
            f"{command}<details><summary>The whole config</summary>\n\n"
            f"```yaml\n{config}```\n\n</details>"
        )

    def _license(self) -> str:
        if self.description["license"]:
            return f"{self.description['license']}."
        return "None was named, which leaves all rights with whoever trained it."


def _text(value: Any) -> str:
    """A text of a stranger's in a table: no markup, one line."""
    text = _code(value)
    for sign in "\\|<>[]()*_#!":
        text = text.replace(sign, f"\\{sign}") if sign != "_" else text
    return text


def _code(value: Any) -> str:
    """A text of a stranger's inside a block of code."""
    text = "".join(c if c.isprintable() and c != "`" else " " for c in str(value))
    return text[:LONGEST]


def _number(value: Any) -> str:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.4g}" if plain else ""
