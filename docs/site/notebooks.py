"""Notebooks as pages: what was typed, and what came out when it was last run."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Written = str | list[str]
"""Text as notebooks hold it: whole, or by lines."""


def as_page(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures by file name."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            parts.append(whole(cell["source"]))
            continue
        parts.append(fenced(whole(cell["source"]), "python"))
        for kind, content in outputs(cell):
            if kind == "image/png":
                name = f"{path.stem}-{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(content)
                parts.append(f"![What comes out]({name})")
            else:
                parts.append(fenced(content.rstrip("\n"), ""))
    return "\n\n".join(parts) + "\n", pictures


def outputs(cell: Any) -> Iterator[tuple[str, str]]:
    """What came out of a cell, kind by kind; a picture stands for what it shows."""
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            yield "text/plain", whole(output["text"])
            continue
        data = output.get("data", {})
        kind = next((k for k in ("image/png", "text/plain") if k in data), None)
        if kind:
            yield kind, whole(data[kind])


def whole(text: Written) -> str:
    """Text in one piece."""
    return text if isinstance(text, str) else "".join(text)


def fenced(text: str, language: str) -> str:
    """A block of code, whatever it holds."""
    fence = "`" * max(3, *(len(run) + 1 for run in text.split() if set(run) == {"`"}), 3)
    return f"{fence}{language}\n{text}\n{fence}"
