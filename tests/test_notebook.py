"""The notebook runs, and what it shows is what it showed."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from gan_cli.metrics import classifier
from tests.conftest import REPOSITORY
from tests.notebook import run_cells

NOTEBOOK = json.loads((REPOSITORY / "docs" / "library.ipynb").read_text(encoding="utf-8"))
CODE = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def kinds(outputs: list[dict[str, Any]]) -> list[list[str]]:
    return [[output["output_type"], *output.get("data", ())] for output in outputs]


def test_every_cell_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("safetensors")
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    # 1,500 steps of the classifier would take longer than all the rest
    monkeypatch.setattr(classifier, "train", functools.partial(classifier.train, steps=20))
    for cell, outputs in zip(CODE, run_cells(NOTEBOOK), strict=True):
        assert kinds(outputs) == kinds(cell["outputs"]), "".join(cell["source"])


def test_it_was_run_from_top_to_bottom() -> None:
    assert [cell["execution_count"] for cell in CODE] == list(range(1, len(CODE) + 1))
    assert all(cell["outputs"] for cell in CODE[1:])
    size = len(json.dumps(NOTEBOOK))
    assert size < 400_000  # pictures are small
    assert "/home/" not in json.dumps(NOTEBOOK)
