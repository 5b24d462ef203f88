"""summary.json: the old one or the new one."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gan_cli.health.symptoms import Watch
from gan_cli.sinks.checkpoint import Checkpoints
from gan_cli.sinks.summary import Summary


def test_a_full_disk_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "summary.json"
    checkpoints = Checkpoints(0, tmp_path / "checkpoints", 1, {})
    sink = Summary(path, checkpoints, None, Watch(), {"generator": 3}, torch.device("cpu"), 0)
    run: Any = SimpleNamespace(step=1, outcome="finished", last_report={}, images=16, returns="")
    sink.close(run)
    assert json.loads(path.read_text())["step"] == 1

    def full(*arguments: Any) -> None:
        raise OSError("No space left on device")

    run.step = 2
    monkeypatch.setattr(os, "fsync", full)
    sink.close(run)
    assert json.loads(path.read_text())["step"] == 1
    assert list(tmp_path.iterdir()) == [path]
