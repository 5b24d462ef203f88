"""A notebook without Jupyter: its cells run one after the other in this process.

python tests/notebook.py docs/library.ipynb    # runs it and keeps what came out
"""

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image


def run_cells(notebook: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The outputs of each cell of code, as a notebook holds them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        printed, value = io.StringIO(), None
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, f"<cell {number}>", "exec"), names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), f"<cell {number}>", "eval"), names)
        outputs: list[dict[str, Any]] = []
        if text := printed.getvalue():
            outputs.append({"name": "stdout", "output_type": "stream", "text": _lines(text)})
        if value is not None:
            shown = {"execution_count": number, "metadata": {}, "output_type": "execute_result"}
            outputs.append(shown | {"data": _shown(value)})
        yield outputs


def _shown(value: Any) -> dict[str, Any]:
    if not isinstance(value, Image.Image):
        return {"text/plain": _lines(repr(value))}
    file = io.BytesIO()
    value.save(file, format="PNG", optimize=True)
    encoded = base64.b64encode(file.getvalue()).decode() + "\n"
    text = f"<PIL.Image.Image image mode={value.mode} size={value.width}x{value.height}>"
    return {"image/png": encoded, "text/plain": [text]}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main(path: Path) -> None:
    """Run it in an empty folder and write what came out into the file."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    target = path.absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        outputs = list(run_cells(notebook))
        os.chdir(target.parent)
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    for number, (cell, found) in enumerate(zip(cells, outputs, strict=True), start=1):
        cell["outputs"], cell["execution_count"] = found, number
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
