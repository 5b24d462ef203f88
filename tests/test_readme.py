"""The README's commands run, and its tables name everything that ships."""

import functools
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from gan_cli.metrics import classifier
from tests.conftest import DATASETS, NARROW, REPOSITORY, TINY, Command, options

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
COMMANDS = [shlex.split(line, comments=True) for line in BLOCKS.splitlines()]


def commands(name: str) -> list[list[str]]:
    return [words[1:] for words in COMMANDS if words and words[0] == name]


def small(arguments: list[str]) -> list[str]:
    """What makes a command short without changing what it shows."""
    chosen = {a.partition("=")[0]: a.partition("=")[2] for a in arguments}
    sizes = [] if chosen.get("model") in ("vanilla", "cgan", "my_model") else NARROW
    sizes = [size for size in sizes if size.partition("=")[0] not in chosen]
    steps = [] if "trainer.epochs" in chosen else ["trainer.steps=2"]
    if "trainer.evaluate_every" in chosen:
        steps += ["evaluation.count=20"]
    if chosen.get("data") == "folder":
        return [*arguments, "data.batch_size=2", *steps, *sizes]
    root = [f"data.root={DATASETS / 'mnist'}"] if chosen.get("data") == "mnist" else []
    batch = [] if "data.batch_size" in chosen else ["data.batch_size=16"]
    return [*arguments, *root, "data.limit=160", *batch, *steps, *sizes]


@pytest.mark.parametrize("arguments", commands("gan-train"), ids=" ".join)
def test_gan_train(
    gan_train: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    if "--help" in arguments or "resume=outputs/runs/RUN" in arguments:
        pytest.skip("run in its own test")
    if "data=mnist" in arguments and not (DATASETS / "mnist").is_dir():
        pytest.skip("needs MNIST")
    monkeypatch.setattr(classifier, "train", functools.partial(classifier.train, steps=2))
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        Image.new("RGB", (70, 80), (80 * number, 0, 0)).save(pictures / f"{number}.png")
    mine = tmp_path / "mine" / "model"
    mine.mkdir(parents=True)
    shipped = REPOSITORY / "conf" / "model" / "vanilla.yaml"
    (mine / "my_model.yaml").write_text(shipped.read_text())
    sweep = ["hydra.sweep.dir=sweep"] if "-m" in arguments else []
    result = gan_train(*small(arguments), *sweep)
    assert result.code == 0, result.err


def test_resuming_and_sampling(gan_train: Command, gan_sample: Command) -> None:
    run = "outputs/runs/RUN"
    first = gan_train(*TINY, "model=cgan", "model.generator.hidden=[8]", f"hydra.run.dir={run}")
    assert first.code == 0, first.err
    for arguments in commands("gan-train"):
        if f"resume={run}" in arguments:
            assert gan_train(*arguments, "trainer.steps=5").code == 0
    for arguments in commands("gan-sample"):
        assert gan_sample(*arguments).code == 0, arguments


def test_evaluating(gan_train: Command, gan_evaluate: Command) -> None:
    points = ["model=vanilla", "data=gaussians", "debug=fast"]
    assert gan_train(*points, "hydra.run.dir=outputs/runs/RUN").code == 0
    assert commands("gan-evaluate")
    for arguments in commands("gan-evaluate"):
        assert gan_evaluate(*arguments).code == 0, arguments


def test_comparing(gan_train: Command, gan_compare: Command, tmp_path: Path) -> None:
    small = ["model=vanilla", "data=gaussians", "debug=fast"]
    sweep = "hydra.sweep.dir=outputs/sweeps/SWEEP"
    assert gan_train("-m", *small, "seed=0,1", sweep).code == 0
    for name in ("RUN", "OTHER"):
        assert gan_train(*small, f"hydra.run.dir=outputs/runs/{name}").code == 0
    assert commands("gan-compare")
    for arguments in commands("gan-compare"):
        result = gan_compare(*arguments)
        assert result.code == 0, result.err
    assert (tmp_path / "runs.csv").is_file()
    assert (tmp_path / "runs.html").is_file()


def test_make_has_the_two_commands() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    wanted = [words[1] for words in COMMANDS if words and words[0] == "make"]
    assert wanted == ["train", "test"]
    assert all(f"\n{target}: $(READY)" in makefile for target in wanted)


@pytest.mark.parametrize("group", ["model", "data", "optimizer", "optimizer/schedule", "tricks"])
def test_every_option_is_in_a_table(group: str) -> None:
    for name in options(group):
        assert f"`{name}`" in README, f"{group}={name}"


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "conf").rglob("*.yaml")), ids=lambda p: str(p.name)
)
def test_every_yaml_says_what_it_is(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# @package" if lines[0].startswith("# @") else "# ")
    header = "\n".join(line for line in lines[:12] if line.startswith("#"))
    if "hydra" not in path.parts:
        assert "gan-" in header, "no command that runs it"
