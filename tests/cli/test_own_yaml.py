"""A person's own YAML: whatever stands in it, it costs a line that names the file."""

import os
from pathlib import Path

import pytest

from gan_cli.cli.own_yaml import refuse_odd_yaml
from gan_cli.errors import UserError
from tests.conftest import Command

TEN = ",".join(["*a{}"] * 10)
BOMB = "a0: &a0 [1]\n" + "".join(
    f"a{i}: &a{i} [{TEN.format(*[i - 1] * 10)}]\n" for i in range(1, 9)
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB.encode(), "aliases stand for more than"),
        (b"a: &a [*a]\n", "an alias in itself"),
        (b"a: " + b"[" * 2000, "nested too deeply"),
        (b"seed: 1 " + b"#" * (1 << 20), "more than 1,048,576 bytes"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"name: \xe9\n", "not text in UTF-8"),
        (b"name: \x01\n", "strange characters"),
        (b"name: [1, 2\nother: 3\n", "mine.yaml:2: "),
    ],
    ids=["bomb", "circle", "deep", "large", "binary", "latin-1", "control", "broken"],
)
def test_what_hydra_could_not_read(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "debug").mkdir()
    (tmp_path / "debug" / "mine.yaml").write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.yaml") as error:
        refuse_odd_yaml(tmp_path)
    assert said in str(error.value)


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "link.yaml").symlink_to("nowhere")
    (tmp_path / "empty.yaml").touch()
    os.mkfifo(tmp_path / "pipe.yaml")  # to open it would block
    refuse_odd_yaml(tmp_path)


def own(files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = Path("own/debug") / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return ["--config-dir", "own", "debug=mine"]


@pytest.mark.parametrize(
    "files",
    [
        {"mine": "defaults:\n  - mine\n"},
        {"mine": "defaults:\n  - /debug/other\n", "other": "defaults:\n  - /debug/mine\n"},
        {"mine": BOMB},
        {"mine": "[" * 2000},
    ],
    ids=["itself", "circle", "bomb", "deep"],
)
def test_it_costs_one_line(gan_train: Command, files: dict[str, str]) -> None:
    result = gan_train(*own(files))
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert "/own" in result.problems[0]
