"""Links between files of the repository, as links between pages of the site."""

import os
import posixpath
import re
from collections.abc import Collection
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

ELSEWHERE = {
    "guide.md": "README.md",
    "own.md": "examples/own/README.md",
    "contributing.md": ".github/CONTRIBUTING.md",
    "code_of_conduct.md": ".github/CODE_OF_CONDUCT.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    **{f"{path.stem}.md": f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.ipynb")},
}
"""Pages of the site that are no Markdown in docs/, and what they are made of."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


def source_of(uri: str) -> str:
    """The place in the repository of what has a place in the site."""
    return ELSEWHERE.get(uri, f"docs/{uri}")


def meant(source: str, target: str) -> str:
    """The place in the repository that a link in the file `source` leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))


def relink(markdown: str, uri: str, known: Collection[str]) -> str:
    """The text of a page with its links as the site needs them.

    Files that the site has not got are named and not linked. A link that leads nowhere stays.

    Args:
        markdown: as it lies in the repository.
        uri: the page's place in the site.
        known: the places of all there is in the site.
    """
    places = {source_of(place): place for place in known}

    def other(match: re.Match[str]) -> str:
        picture, text, target, anchor = match.groups(default="")
        there = meant(source_of(uri), target)
        if there in places:
            target = os.path.relpath(places[there], posixpath.dirname(uri) or ".")
            return f"{picture}[{text}]({target}{anchor})"
        return text if (REPOSITORY / there).exists() else match[0]

    return LINK.sub(other, markdown)
