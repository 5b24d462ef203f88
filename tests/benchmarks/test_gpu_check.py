"""The check for GPU machines, in small on a CPU."""

import json

import pytest

from benchmarks import gpu_check
from tests.conftest import narrow

SMALL = ["--", *narrow("vanilla"), "data.limit=64"]


def check(tmp_path, *arguments):
    file = tmp_path / "check.json"
    order = [
        "--device",
        "cpu",
        "--jobs",
        "1",
        "--no-tests",
        "--rounds",
        "1",
        "--json",
        str(file),
        *arguments,
    ]
    with pytest.raises(SystemExit) as left:
        gpu_check.main(order)
    return left.value.code, {v["check"]: v for v in json.loads(file.read_text())["verdicts"]}


def test_all_kinds_of_checks(tmp_path, capsys):
    kinds = ["--models", "vanilla", "--recipes", "vanilla_mnist", "--speed", "vanilla 28"]
    code, verdicts = check(tmp_path, *kinds, *SMALL)
    assert {name: v["verdict"] for name, v in verdicts.items()} == {
        "machine": "ok",
        "waits for nothing: vanilla": "nothing to see",  # on a CPU
        "resumes: vanilla": "ok",
        "resumes in bf16: vanilla": "ok",
        "draws as a CPU does: vanilla": "ok",
        "replays: vanilla": "nothing to see",
        "model: vanilla": "ok",
        "speed: vanilla 28": "ok",
        "recipe: vanilla_mnist": "ok",
    }
    assert code == 0
    assert "images/s" in verdicts["speed: vanilla 28"]["said"]
    assert len(capsys.readouterr().out.splitlines()) == len(verdicts) + 1


def test_what_fails_and_what_there_is_no_time_for(tmp_path, monkeypatch):
    none = ["--recipes", "--speed", "--models", "vanilla"]
    code, verdicts = check(tmp_path, *none, "--", "trainer.steps=0")
    assert code == 1
    assert verdicts["model: vanilla"]["verdict"] == "FAILED"
    assert "trainer.steps" in verdicts["model: vanilla"]["said"]
    code, verdicts = check(tmp_path, *none, "--minutes", "-1")
    assert code == 1
    assert {v["verdict"] for v in verdicts.values()} == {"NOT RUN"}


def test_a_resumed_run_that_is_another(monkeypatch):
    """A step that depends on more than seed and step."""
    play = gpu_check.Trainer.play
    count = []

    def drifting(self):
        seen = play(self)
        count.append(0)
        next(self.game.parameters()).data.add_(len(count))
        return seen

    monkeypatch.setattr(gpu_check.Trainer, "play", drifting)
    with pytest.raises(RuntimeError, match="tensors differ"):
        gpu_check.resumes("vanilla", gpu_check.open_device("cpu"), narrow("vanilla"))
