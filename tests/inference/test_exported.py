"""Exports are files from strangers: what they say is checked as a checkpoint's config is."""

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import gan_cli
from gan_cli.errors import UserError
from gan_cli.inference.load import open_game
from gan_cli.metrics import classifier
from tests.conftest import Command

pytest.importorskip("safetensors")
from safetensors.torch import load_file, save_file

OUTSIDE = {"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1}
TRILLION = 10**12


@pytest.fixture(scope="module")
def written(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported folder of a labelled run."""
    return gan_cli.export(trained, tmp_path_factory.mktemp("exported") / "model")


@pytest.fixture
def exported(written: Path) -> Path:
    """A copy of it."""
    shutil.copytree(written, "model")
    return Path("model")


def refusal(path: str = "model") -> str:
    """The one line with which it is refused."""
    with pytest.raises(UserError) as error:
        open_game(Path(path), average=True, trust=[], device=torch.device("cpu"))
    (line,) = error.value.problems
    assert len(line) < 700
    return line


def put(said: dict, key: str, value: Any) -> None:
    *path, last = key.split("/")
    for name in path:
        said = said[name]
    said[last] = value


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("config/model/_target_", "os.system", "is refused: a checkpoint may only name classes"),
        ("config/model/generator", OUTSIDE, "is refused"),
        ("config/model/generator/hidden", [TRILLION], ""),
        ("config/model/generator/hidden", [9], "weights do not fit"),
        ("config/model/latent_dim", TRILLION, ""),
        ("config/name", "../up", "its name is no name"),
        ("config/seed", "${oc.env:HOME}", "holds an interpolation"),
        ("config/hydra", {}, "is no part of a run's config"),
        ("config/tricks", {"t": {"_target_": "gan_cli.sinks.jsonl.JsonLines"}}, ""),
        ("config", [], "its config is a list"),
        ("config", {}, ""),
        ("links", {"a": 3}, "its links holds"),
        ("fields", {}, "needs a field"),
        ("fields/image/shape", [1, TRILLION, TRILLION], ""),
        ("fields/image/kind", "sound", "fields are damaged"),
        ("class_names", {}, "its class_names is a dict"),
        ("format", 2, "written in format 2 and this version reads 1"),
        ("format", "x" * 999, "written in format"),
        ("step", "x", "its step is no number"),
    ],
)
def test_a_description_is_not_believed(exported: Path, key: str, value: Any, why: str) -> None:
    said = json.loads((exported / "config.json").read_text())
    put(said, key, value)
    (exported / "config.json").write_text(json.dumps(said))
    assert why in refusal()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        "[" * 100_000,
        '{"format": ' + "9" * 5_000 + "}",
        "\xff",
        " " * (5 << 20),
    ],
    ids=lambda text: text[:9],
)
def test_what_is_no_description(exported: Path, text: str) -> None:
    (exported / "config.json").write_bytes(text.encode("latin-1"))
    assert "model: " in refusal()


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.update({"generator.more": torch.zeros(3)}),
        lambda tensors: tensors.update({"other": torch.zeros(3)}),
        lambda tensors: tensors.pop(next(iter(tensors))),
        lambda tensors: tensors.clear(),
        lambda tensors: tensors.update({name: x[:-1].clone() for name, x in tensors.items()}),
        lambda tensors: tensors.update({name: x.half() for name, x in tensors.items()}),
        lambda tensors: tensors.update({name: x.long() for name, x in tensors.items()}),
    ],
)
def test_weights_of_something_else(exported: Path, change: Callable[[dict], object]) -> None:
    tensors = load_file(exported / "model.safetensors")
    change(tensors)
    save_file(tensors, exported / "model.safetensors")
    refusal()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"",
        lambda content: b"x",
        lambda content: content[:-1],
        lambda content: content[:200],
        lambda content: (2**62).to_bytes(8, "little") + content[8:],
        lambda content: (50 << 20).to_bytes(8, "little") + b" " * 99,
        lambda content: content[8:],
        lambda content: b"PK\3\4" + content,
    ],
)
def test_damaged_weights(exported: Path, change: Callable[[bytes], bytes]) -> None:
    path = exported / "model.safetensors"
    path.write_bytes(change(path.read_bytes()))
    assert "damaged or no safetensors file" in refusal()


def test_a_file_without_a_description(exported: Path) -> None:
    save_file(load_file(exported / "model.safetensors"), "plain.safetensors")
    assert "not what gan-export wrote" in refusal("plain.safetensors")
    assert "nowhere.safetensors: no such file" in refusal("nowhere.safetensors")


def test_it_cannot_be_trained_on(exported: Path, gan_train: Command) -> None:
    result = gan_train(f"resume={exported}")
    assert result.code == 2
    assert "no checkpoint in this folder" in result.err


def test_it_is_measured_as_a_run(
    exported: Path, gan_evaluate: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = functools.partial(classifier.train, steps=2)
    monkeypatch.setattr(classifier, "train", quick)
    result = gan_evaluate(f"checkpoint={exported}", "count=20")
    assert result.code == 0, result.err
    assert json.loads((exported / "evaluation.json").read_text())["step"] == 4
