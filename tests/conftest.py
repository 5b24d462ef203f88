"""What all tests share: the commands, run in this process in a folder of their own."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

from gan_cli.paths import conf_folder

REPOSITORY = Path(__file__).resolve().parents[1]
DATASETS = REPOSITORY.parent / "shared" / "datasets"

torch.set_num_threads(1)  # two workers share two cores

# A run small enough for a unit test: 64 pictures, 4 steps.
TINY = ["data.limit=64", "data.batch_size=16", "trainer.steps=4", "trainer.log_every=2"]
NARROW = ["model.generator.width=8", "model.discriminator.width=8"]


def narrow(model: str) -> list[str]:
    """What makes the networks of a model small."""
    if model in ("vanilla", "cgan"):
        return ["model.generator.hidden=[8]", "model.discriminator.hidden=[8]"]
    limits = ["model.generator.max_width=8", "model.discriminator.max_width=8"]
    return NARROW + (limits if model.startswith(("sngan", "wgan_gp_r", "cgan_p")) else [])


def options(group: str) -> list[str]:
    """The names in a config group."""
    return sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def problems(self) -> list[str]:
        """The lines on stderr."""
        return self.err.strip().splitlines()


Command = Callable[..., Result]


def _command(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str, folder: str = "run") -> Result:
        import importlib

        main = importlib.import_module(f"gan_cli.cli.{name}").main
        GlobalHydra.instance().clear()
        run_dir = tmp_path / folder
        given = any(a.startswith(("hydra.run.dir=", "resume=", "-m")) for a in arguments)
        placed = [] if given or name != "train" else [f"hydra.run.dir={run_dir}"]
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([*placed, *arguments])
        out, err = capsys.readouterr()
        return Result(int(left.value.code or 0), out, err, run_dir)

    return run


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder of its own and leave logging as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")  # the commands set it; undone after the test
    handlers = list(logging.getLogger().handlers)
    yield
    for handler in set(logging.getLogger().handlers) - set(handlers):
        handler.close()
    logging.getLogger().handlers = handlers


@pytest.fixture(autouse=True)
def quick_curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves take half a second a run to draw: only tests marked `curves` wait for it."""
    if request.node.get_closest_marker("curves") is None:
        blank = torch.zeros(3, 2, 2, dtype=torch.uint8)
        monkeypatch.setattr("gan_cli.sinks.curves.curves", lambda panels: blank)


@pytest.fixture
def gan_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`gan-train`, into `tmp_path/run` unless told otherwise."""
    return _command("train", tmp_path, capsys)


@pytest.fixture
def gan_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`gan-sample`."""
    return _command("sample", tmp_path, capsys)


@pytest.fixture
def gan_evaluate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`gan-evaluate`, with a cache of its own."""
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    return _command("evaluate", tmp_path, capsys)


@pytest.fixture
def gan_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`gan-compare`, on a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    return _command("compare", tmp_path, capsys)
