"""What the site shows beside the files in docs/: pages of the repository, and the reference."""

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # mkdocs loads this file alone

from docs.site.links import ELSEWHERE, REPOSITORY, relink
from docs.site.reference import pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what does not lie in docs/."""
    elsewhere = {**ELSEWHERE, "site.css": "docs/site/site.css"}
    texts = {uri: (REPOSITORY / f).read_text(encoding="utf-8") for uri, f in elsewhere.items()}
    for uri, text in {**texts, **pages()}.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links between files of the repository be links between pages of the site."""
    return relink(markdown, page.file.src_uri, {file.src_uri for file in files})
