"""What all tests share: the commands, run in this process in a folder of their own."""

import logging
import os
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

# A run small enough for a unit test: 64 images, 4 steps.
TINY = ["data.limit=64", "data.batch_size=16", "trainer.steps=4", "trainer.log_every=2"]
BARE = [*TINY, "trainer.sample_every=0", "logger=[]"]
"""Without sheets and TensorBoard, which take half of such a run."""
NARROW = ["model.generator.width=8", "model.discriminator.width=8"]

# Games in which D rests at first; here it plays from the second step on. No classifier is trained.
START = ["model.adversarial_start=1", "model.perceptual_weight=0"]
RESTING = {
    "srgan": START,
    "esrgan": [*START, "model.generator.growth=4"],
    "vqgan": [*START, "model.generator.multipliers=[1,2]", "model.generator.entry_dim=8"],
}


def narrow(model: str) -> list[str]:
    """What makes the networks of a model small."""
    if model in ("vanilla", "cgan", "ebgan"):
        return ["model.generator.hidden=[8]", "model.discriminator.hidden=[8]"]
    if model.startswith("cyclegan"):
        sides = ["model.generator_ab.width=4", "model.discriminator_a.width=4"]
        return [*sides, "model.generator_ab.blocks=1"]
    if model.startswith("hifigan"):
        stacks = ["model.generator.stack_kernels=[3]", "model.generator.dilations=[[1]]"]
        judges = ["model.period_discriminators.periods=[2]", "model.period_discriminators.width=2"]
        scales = ["model.scale_discriminators.scales=1", "model.scale_discriminators.width=2"]
        small = ["model.generator.width=16", "model.segment=2048"]
        return [*small, *stacks, *judges, *scales]
    if model in RESTING:
        return [*NARROW, "model.generator.blocks=1", *RESTING[model]]
    if model == "lapgan":
        return [
            *("model.generator.hidden=[8]", "model.generator.width=4"),
            *("model.discriminators.hidden=[8]", "model.discriminators.width=4"),
            "model.discriminators.kernel=3",
        ]
    if model == "infogan":
        return [f"+{key}" for key in NARROW]
    if model in ("ali", "began", "vaegan", "acgan"):
        size = ["data.image_size=32"] if model == "ali" else []
        return ["model.generator.width=2", "model.discriminator.width=2", *size]
    limits = ["model.generator.max_width=8", "model.discriminator.max_width=8"]
    if model == "stylegan2":
        return [*NARROW, *limits, "model.latent_dim=8"]
    wide = ("sngan", "wgan_gp_r", "cgan_p", "r3gan", "cgan_r3", "sagan", "biggan", "progan")
    return NARROW + (limits if model.startswith(wide) else [])


def data_of(model: str) -> list[str]:
    """What a model is trained on where the default data does not fit it."""
    if model.startswith("hifigan"):
        published = [] if model == "hifigan_small" else ["data.sample_rate=22050"]
        return ["data=tones", "data.length=2048", *published]
    found = {"pix2pix": "digit_outlines", "cyclegan": "digit_inversion"}
    found["cyclegan_small"] = "digit_inversion"
    found |= dict.fromkeys(("srgan", "esrgan"), "digit_low_resolution")
    return [f"data={found[model]}"] if model in found else []


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


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_disks() -> Iterator[None]:
    """No test here cuts the power; processes of their own still wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_bf16() -> Iterator[None]:
    """`trainer.precision=auto` is fp32, whatever this processor multiplies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
        yield


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder of its own and leave logging as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
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


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a tiny run on digits, labelled; copy it before changing it."""
    from gan_cli.cli.train import main

    folder = tmp_path_factory.mktemp("trained") / "run"
    small = ["model=cgan", *narrow("cgan"), "model.latent_dim=4", "trainer.sample_every=0"]
    GlobalHydra.instance().clear()
    handlers = list(logging.getLogger().handlers)
    with pytest.raises(SystemExit) as left:
        main([f"hydra.run.dir={folder}", *TINY, *small, "trainer.health=false"])
    for handler in set(logging.getLogger().handlers) - set(handlers):
        handler.close()
    logging.getLogger().handlers = handlers
    assert not left.value.code
    return folder / "checkpoints" / "step-00000004.pt"


@pytest.fixture
def edited(trained: Path, tmp_path: Path) -> Callable[[Callable[[dict], object]], Path]:
    """That checkpoint as a stranger may have changed it: `change` gets its content."""
    from gan_cli.sinks.checkpoint import load, save

    def edit(change: Callable[[dict], object]) -> Path:
        content = load(trained)
        change(content)
        path = tmp_path / "stranger.pt"
        save(path, content)
        return path

    return edit


@pytest.fixture
def gan_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`gan-train`, into `tmp_path/run` unless told otherwise."""
    return _command("train", tmp_path, capsys)


@pytest.fixture
def gan_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`gan-sample`."""
    return _command("sample", tmp_path, capsys)


@pytest.fixture
def gan_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`gan-data`."""
    return _command("data", tmp_path, capsys)


@pytest.fixture
def gan_evaluate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`gan-evaluate`, with a cache of its own."""
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    return _command("evaluate", tmp_path, capsys)


@pytest.fixture
def gan_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`gan-export`."""
    return _command("export", tmp_path, capsys)


@pytest.fixture
def gan_tune(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`gan-tune`."""
    return _command("tune", tmp_path, capsys)


@pytest.fixture
def gan_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`gan-compare`, on a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    return _command("compare", tmp_path, capsys)
