"""An installed wheel works from any directory, with its own YAML."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NARROW, REPOSITORY, TINY


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where nothing of the checkout is."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(REPOSITORY)],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True
    )
    return folder / "site"


def run(installed: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(installed / "bin" / command[0]), *command[1:]],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_yaml_is_inside(installed: Path) -> None:
    shipped = {p.relative_to(installed / "gan_cli") for p in installed.rglob("*.yaml")}
    assert shipped == {p.relative_to(REPOSITORY) for p in (REPOSITORY / "conf").rglob("*.yaml")}


COMMANDS = ["train", "sample", "evaluate", "compare", "data", "export"]


def test_it_says_that_it_is_typed(installed: Path) -> None:
    assert (installed / "gan_cli" / "py.typed").is_file()


def test_hydra_finds_the_launchers(installed: Path) -> None:
    assert (installed / "hydra_plugins" / "gan_cli_launchers.py").is_file()
    assert not (installed / "hydra_plugins" / "__init__.py").exists()  # others' lie beside it


@pytest.mark.parametrize("command", [f"gan-{name}" for name in COMMANDS])
def test_the_commands_answer(installed: Path, tmp_path: Path, command: str) -> None:
    done = run(installed, tmp_path, command, "--help")
    assert done.returncode == 0, done.stderr
    assert command in done.stdout


def test_training_and_sampling_from_any_directory(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "gan-train", *TINY, *NARROW, "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    done = run(installed, tmp_path, "gan-sample", "checkpoint=run", "out=grid.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "grid.png").is_file()
