"""The house has floors: a room imports what stands below it, never above."""

import ast
from pathlib import Path

import pytest

import gan_cli

PACKAGE = Path(gan_cli.__file__).parent

# From the top down.
TOWER = [
    *(
        "library",
        "cli",
        "tuning",
        "runs",
        "evaluation",
        "exports",
        "inference",
        "preparation",
        "assembly",
    ),
    *("config", "engine", "sinks", "health", "games", "tricks", "networks", "data"),
    *("comparison", "metrics", "viz"),
]
GROUND = ["errors", "files", "mirrored", "ranges", "randomness", "paths", "spelling", "yaml_text"]
FLOOR = {room: number for number, room in enumerate(TOWER)}
FLOOR |= dict.fromkeys(GROUND, len(TOWER))  # may use each other
HYDRA = {"cli"}
OMEGACONF = {"cli", "runs", "config", "inference", "evaluation", "preparation"}
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
    if room in ("__init__", "__main__"):
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


@pytest.mark.parametrize("room", ["cli", "engine", "sinks"])
def test_a_new_game_changes_nothing_here(room: str) -> None:
    """These rooms know what a game is, and none in particular."""
    known = {"gan_cli.games.base", "gan_cli.games.requests"}
    for path in (PACKAGE / room).rglob("*.py"):
        games = {n.rpartition(".")[0] for n in imported(path) if n.startswith("gan_cli.games.")}
        assert games <= known, path


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_function_has_its_modules_name(path: Path) -> None:
    defined = {
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert path.stem not in defined


def test_no_two_classes_share_a_name() -> None:
    """But for a family's networks: each file has its Generator and Discriminator."""
    found: dict[str, list[Path]] = {}
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(path)
    twice = {name for name, paths in found.items() if len(paths) > 1}
    assert twice <= {"Generator", "Discriminator", "Encoder"}, twice
