"""The documentation: every page can be found, links lead somewhere, the reference has every key."""

import json
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.common import compose_config
from docs.site.links import ELSEWHERE, LINK, meant, relink
from docs.site.notebooks import as_page
from docs.site.reference import GROUPS, PRESETS, SECTIONS, pages
from gan_cli.config.reader import read
from gan_cli.paths import conf_folder
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
WRITTEN = [f"docs/{page}" for page in PAGES]
WRITTEN += sorted(place for place in ELSEWHERE.values() if place.endswith(".md"))


class Tagless(yaml.SafeLoader):
    """Reads YAML whose tags are for somebody else."""


Tagless.add_multi_constructor("!", lambda loader, suffix, node: None)


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    """The generated pages."""
    return pages()


def in_nav(entry: Any) -> Iterator[str]:
    """The pages of a nav, from its top to its bottom."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, list):
        for inner in entry:
            yield from in_nav(inner)
    else:
        for inner in entry.values():
            yield from in_nav(inner)


def test_the_nav_has_every_page_once(reference: dict[str, str]) -> None:
    config = yaml.load((DOCS / "site" / "mkdocs.yml").read_text(encoding="utf-8"), Tagless)
    found = list(in_nav(config["nav"]))
    assert sorted(found) == sorted([*PAGES, *ELSEWHERE, *reference]), "see nav in mkdocs.yml"


@pytest.mark.parametrize("source", WRITTEN)
def test_links_lead_somewhere(source: str) -> None:
    text = (REPOSITORY / source).read_text(encoding="utf-8")
    generated = ("docs/reference/", *(f"docs/{page}" for page in ELSEWHERE))
    for _, _, target, _ in LINK.findall(text):
        there = meant(source, target)
        assert there.startswith(generated) or (REPOSITORY / there).exists(), target


def test_every_page_can_be_reached_by_links_alone() -> None:
    home = (DOCS / "index.md").read_text(encoding="utf-8")
    assert {"quickstart.md", "concepts.md", "reference/index.md"} <= {
        t for _, _, t, _ in LINK.findall(home)
    }


def test_links_are_made_into_the_site_s() -> None:
    known = ["guide.md", "modes.md", "recipes/README.md", "a.png"]
    assert relink("[m](docs/modes.md#x) ![](docs/a.png)", "guide.md", known) == (
        "[m](modes.md#x) ![](a.png)"
    )
    assert relink("[r](../../README.md)", "recipes/README.md", known) == "[r](../guide.md)"
    assert relink("see [the code](../gan_cli)", "modes.md", known) == "see the code"
    assert relink("[x](nowhere.md) [y](https://a.b/c)", "modes.md", known) == (
        "[x](nowhere.md) [y](https://a.b/c)"
    )


def test_a_notebook_becomes_a_page(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "words"]},
        {
            "cell_type": "code",
            "source": "print(1)\nplot()",
            "outputs": [
                {"output_type": "stream", "text": ["1\n"]},
                {"output_type": "display_data", "data": {"image/png": "aGk=", "text/plain": "<x>"}},
                {"output_type": "execute_result", "data": {"text/plain": "```"}},
            ],
        },
    ]
    path = tmp_path / "walk.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    page, pictures = as_page(path)
    assert page == (
        "# Title\nwords\n\n```python\nprint(1)\nplot()\n```\n\n```\n1\n```\n\n"
        "![What comes out](walk-1.png)\n\n````\n```\n````\n"
    )
    assert pictures == {"walk-1.png": b"hi"}


def test_every_command_has_its_part(reference: dict[str, str]) -> None:
    page = reference["reference/commands.md"]
    for name in {*PROJECT["scripts"]} - {"gan-train"}:
        (part,) = [p for p in page.split("\n## ")[1:] if p.startswith(f"{name}\n")]
        assert "| `" in part or "usage" in part.casefold() or f"{name} " in part


def leaves(node: Any, above: str = "") -> Iterator[str]:
    """Full keys of what is no mapping."""
    for name, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        elif name != "_target_":
            yield f"{above}{name}"


def test_the_reference_has_every_group() -> None:
    folders = {path.name for path in conf_folder().iterdir() if path.is_dir()} - {"hydra"}
    assert folders == {*GROUPS, *SECTIONS, *PRESETS}


@pytest.mark.parametrize("group", [*GROUPS, *SECTIONS])
def test_the_reference_has_every_key_and_choice(reference: dict[str, str], group: str) -> None:
    page = reference[f"reference/{'index' if group in SECTIONS else group}.md"]
    for path in sorted((conf_folder() / group).glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        node = {k: v for k, v in (yaml.safe_load(text) or {}).items() if k != "defaults"}
        if group in GROUPS:
            (part,) = [p for p in page.split("\n## ")[1:] if f"{{#{path.stem}}}" in p]
        else:
            part = page
        start = "" if "@package _global_" in text else f"{group}."
        for key in leaves(node, start):
            assert f"`{key}`" in part, (path.name, key)


def test_the_reference_says_range_value_and_comment(reference: dict[str, str]) -> None:
    (row,) = [
        line
        for line in reference["reference/index.md"].splitlines()
        if line.startswith("| `trainer.on_nan`")
    ]
    assert "stop, skip or rollback" in row
    assert "`stop`" in row
    assert "last checkpoint" in row


def commands() -> Iterator[list[str]]:
    """The runs that pages in docs/ start anew."""
    for page in (p for p in PAGES if "/" not in p):
        for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
            words = (
                shlex.split(line, comments=True) if line.strip().startswith("gan-train ") else []
            )
            others = ("-", "resume=")
            if words and not any(w.startswith(others) or w == "..." for w in words):
                yield words[1:]


@pytest.mark.parametrize("overrides", list(commands()), ids=" ".join)
def test_commands_in_the_pages_are_understood(overrides: list[str]) -> None:
    read(compose_config([o for o in overrides if not o.startswith("hydra.")] + ["name=page"]))


def test_pictures_are_used() -> None:
    shown = {
        meant(source, target)
        for source in WRITTEN
        for _, _, target, _ in LINK.findall((REPOSITORY / source).read_text(encoding="utf-8"))
    }
    lie = {str(Path("docs") / p.relative_to(DOCS)) for p in DOCS.rglob("*.png")}
    assert lie <= shown
