"""The house has floors: a room imports what stands below it, never above."""

import ast
from pathlib import Path

import pytest

import gan_cli

PACKAGE = Path(gan_cli.__file__).parent

# From the top down.
TOWER = [
    *("cli", "runs", "evaluation", "inference", "assembly", "config", "engine", "sinks"),
    *("health", "games", "tricks", "networks", "data", "comparison", "metrics", "viz"),
]
GROUND = ["errors", "ranges", "randomness", "paths", "spelling"]
FLOOR = {room: number for number, room in enumerate(TOWER)}
FLOOR |= dict.fromkeys(GROUND, len(TOWER))  # may use each other
HYDRA = {"cli"}
OMEGACONF = {"cli", "runs", "config", "inference", "evaluation"}
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    assert room in FLOOR, f"{room} has no floor yet"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "gan_cli" and len(parts) > 1 and parts[1] != "__version__":
            other = parts[1]
            below = FLOOR[other] > FLOOR[room] or other == room or {room, other} <= set(GROUND)
            assert below, f"{room} imports {other}, which stands above it"
        if parts[0] == "hydra":
            assert room in HYDRA
        if parts[0] == "omegaconf":
            assert room in OMEGACONF


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250
