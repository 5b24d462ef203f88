"""A start that is refused leaves the disk as it found it; no folder of a person's is removed."""

from pathlib import Path

import pytest

from gan_cli.cli.start import Start
from gan_cli.sinks.folder import run_folder
from tests.cli import commands
from tests.cli.commands import SHORT, snapshot
from tests.conftest import Command
from tests.data.image_files import write_image

MISTAKE = "optimizer.lr=-1"
LATE = ["data=folder", "data.root=empty"]
"""Noticed only once the run's folder is locked and the data is looked for."""


def test_the_working_directory_stays(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    done = commands.run("train", MISTAKE, "hydra.run.dir=.", cwd=place)
    assert done.returncode == 2
    assert place.is_dir()
    assert snapshot(place) == {}


@pytest.mark.parametrize("late", [False, True], ids=["config", "data"])
@pytest.mark.parametrize(
    ("holds", "folder"),
    [
        ({}, "."),
        ({"run": None}, "run"),
        ({"run": None, "run/.hydra": None}, "run"),
        ({"run": None, "run/.hydra": None, "run/.hydra/config.yaml": b"mine: 1\n"}, "run"),
        ({"run": None, "run/notes.txt": b"mine"}, "run"),
        ({"run": None, "run/train.log": b"mine"}, "run"),
        ({"run": None}, "run/new"),
        ({}, "new"),
        ({}, "a/b/c"),
        ({}, "${now:%Y-%m-%d}/${name}"),
    ],
    ids=str,
)
def test_a_refused_start_changes_nothing(
    gan_train: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    holds: dict[str, bytes | None],
    folder: str,
    late: bool,
) -> None:
    (tmp_path / "place" / "empty").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "place")
    for name, content in holds.items():
        Path(name).mkdir() if content is None else Path(name).write_bytes(content)
    before = snapshot(Path())
    result = gan_train(f"hydra.run.dir={folder}", *(LATE if late else [MISTAKE]))
    assert result.code == 2
    assert snapshot(Path()) == before


def test_a_link_to_a_folder_stays(gan_train: Command) -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real")
    assert gan_train("hydra.run.dir=link", MISTAKE).code == 2
    assert Path("link").is_symlink()
    assert Path("real").is_dir()


@pytest.mark.parametrize("more", [[MISTAKE], ["seed=1"], ["trainer.device=warp"]])
def test_a_refused_second_run_changes_nothing(gan_train: Command, more: list[str]) -> None:
    first = gan_train(*SHORT)
    assert first.code == 0, first.err
    before = snapshot(first.folder)
    assert gan_train(*SHORT, *more).code == 2
    assert snapshot(first.folder) == before


@pytest.mark.parametrize(
    "more",
    [
        [MISTAKE],
        ["optimizer.lr=0.1", "model.latent_dim=7"],  # says something before it is refused
        ["model=vanilla"],
        ["trainer.stesp=9"],
        [],  # finished already
    ],
    ids=str,
)
def test_a_refused_resume_changes_nothing(gan_train: Command, more: list[str]) -> None:
    first = gan_train(*SHORT)
    before = snapshot(first.folder)
    assert gan_train(f"resume={first.folder}", *more).code == (2 if more else 0)
    assert snapshot(first.folder) == before


def test_the_lock_of_another_run_stays(gan_train: Command, tmp_path: Path) -> None:
    with run_folder(tmp_path / "run"):
        assert gan_train(*SHORT).code == 2
        assert gan_train(*SHORT).code == 2  # and it holds still


@pytest.mark.parametrize(
    "holds",
    [
        {},
        {"sweep": None},
        {"sweep": None, "sweep/1": None, "sweep/multirun.yaml": b"earlier: 1\n"},
        {"sweep": None, "sweep/0": None, "sweep/0/.hydra": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("mistakes", ["optimizer.lr=0,-1", "model=dcgan,nope"])
def test_a_sweep_of_which_nothing_began(
    gan_train: Command, mistakes: str, holds: dict[str, bytes | None]
) -> None:
    for name, content in holds.items():
        Path(name).mkdir() if content is None else Path(name).write_bytes(content)
    before = snapshot(Path())
    result = gan_train("-m", "hydra.sweep.dir=sweep", *SHORT, mistakes)
    assert result.code == 2
    assert snapshot(Path()) == before


def test_a_sweep_of_which_one_job_began(gan_train: Command) -> None:
    for number in range(16):
        write_image(Path("here") / f"{number}.png", seed=number)
    data = [*SHORT, "data=folder", "data.image_size=16", "data.root=nowhere,here,gone"]
    result = gan_train("-m", "hydra.sweep.dir=a/sweep", *data)  # known only when they look for it
    assert result.code == 1
    noted = {".sweep.lock", "multirun.yaml", "sweep.json"}
    assert {path.name for path in Path("a/sweep").iterdir()} == {"0", "1", "2"} | noted
    assert "gan-train: job 2 (data.root=gone): data.root=gone: not there" in result.err
    for name in ("0", "2"):
        assert {path.name for path in Path("a/sweep", name).iterdir()} == {
            "summary.json",
            "train.log",
        }


def test_hydras_notes_come_with_the_run(gan_train: Command) -> None:
    """As typed, without what is added for Hydra's sake."""
    run = gan_train(*SHORT, "optimizer.generator.lr=0.001").folder
    notes = run / ".hydra"
    assert {path.name for path in notes.iterdir()} == {
        "config.yaml",
        "hydra.yaml",
        "overrides.yaml",
    }
    assert "- optimizer.generator.lr=0.001\n" in (notes / "overrides.yaml").read_text()
    assert "hydra:\n" in (notes / "hydra.yaml").read_text()
    before = snapshot(notes)
    assert gan_train(f"resume={run}", "trainer.steps=6").code == 0
    assert snapshot(notes) == before


def test_only_what_is_empty_is_removed(tmp_path: Path) -> None:
    start = Start()
    start.note(tmp_path / "a" / "b")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "kept").write_text("somebody's")
    start.take_back(tmp_path / "a" / "b")
    assert snapshot(tmp_path) == {"a": None, "a/kept": b"somebody's"}
