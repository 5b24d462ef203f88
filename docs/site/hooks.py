"""What the site shows beside the files in docs/: pages of the repository, and the reference."""

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # mkdocs loads this file alone

from docs.site.links import ELSEWHERE, REPOSITORY, relink
from docs.site.notebooks import as_page
from docs.site.reference import pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what does not lie in docs/."""
    made: dict[str, str | bytes] = {**pages()}
    for uri, place in {**ELSEWHERE, "site.css": "docs/site/site.css"}.items():
        if place.endswith(".ipynb"):
            files.remove(files.src_uris[place.removeprefix("docs/")])
            made[uri], pictures = as_page(REPOSITORY / place)
            made |= pictures
        else:
            made[uri] = (REPOSITORY / place).read_text(encoding="utf-8")
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links between files of the repository be links between pages of the site."""
    return relink(markdown, page.file.src_uri, {file.src_uri for file in files})
