"""The README's commands run, and its tables name everything that ships."""

import functools
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from gan_cli.metrics import classifier
from tests.conftest import DATASETS, NARROW, REPOSITORY, TINY, Command, data_of, narrow, options
from tests.data.image_files import write_image, zipped

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
    if "-m" in arguments:  # a dozen jobs
        steps += ["trainer.sample_every=0", *([] if "logger" in chosen else ["logger=[]"])]
    return [*arguments, *root, "data.limit=160", *batch, *steps, *sizes]


@pytest.mark.parametrize("arguments", commands("gan-train"), ids=" ".join)
def test_gan_train(
    gan_train: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    if "--list" in arguments or "--explain" in arguments:
        assert gan_train(*arguments).out
        return
    if "--help" in arguments or any(a.startswith("resume=") for a in arguments):
        pytest.skip("run in its own test")
    for package in ("wandb", "mlflow"):
        if any(a.startswith("logger=") and package in a for a in arguments):
            pytest.importorskip(package)
    if "data=mnist" in arguments and not (DATASETS / "mnist").is_dir():
        pytest.skip("needs MNIST")
    monkeypatch.setattr(classifier, "train", functools.partial(classifier.train, steps=2))
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        Image.new("RGB", (70, 80), (80 * number, 0, 0)).save(pictures / f"{number}.png")
    zipped(pictures, tmp_path / "pictures64.zip")
    mine = tmp_path / "mine" / "model"
    mine.mkdir(parents=True)
    shipped = REPOSITORY / "conf" / "model" / "vanilla.yaml"
    (mine / "my_model.yaml").write_text(shipped.read_text())
    sweep = ["hydra.sweep.dir=sweep"] if "-m" in arguments else []
    result = gan_train(*small(arguments), *sweep)
    assert result.code == 0, result.err


def test_resuming_and_sampling(
    gan_train: Command, gan_sample: Command, gan_export: Command
) -> None:
    pytest.importorskip("onnxscript")
    for name, model in (("RUN", "cgan"), ("CYCLEGAN", "cyclegan"), ("INFOGAN", "infogan")):
        tiny = [f"model={model}", *narrow(model), *data_of(model), *TINY, "data.batch_size=4"]
        first = gan_train(*tiny, f"hydra.run.dir=outputs/runs/{name}")
        assert first.code == 0, first.err
    write_image(Path("pictures/one.png"), mode="L")
    assert commands("gan-export")
    for arguments in commands("gan-export"):
        result = gan_export(*arguments)
        assert result.code == 0, (arguments, result.err)
    for arguments in commands("gan-sample"):
        result = gan_sample(*arguments)
        assert result.code == 0, (arguments, result.err)
        (out,) = [a.partition("=")[2] for a in arguments if a.startswith("out=")] or ["samples.png"]
        assert Path(out).exists(), arguments
    resumed = [a for a in commands("gan-train") if any(word.startswith("resume=") for word in a)]
    assert len(resumed) == 3
    for arguments in resumed:
        small = [] if "resume=outputs/runs/RUN" in arguments else [*TINY, *NARROW]
        for _ in range(2 if "resume=auto" in arguments else 1):  # starts, and goes on
            result = gan_train(*arguments, *small, "trainer.steps=5")
            assert result.code == 0, (arguments, result.err)


def test_the_mistake_it_shows(gan_train: Command) -> None:
    mistakes = re.findall(r"^\$ gan-train (.*)\n(.*)$", README, re.MULTILINE)
    assert len(mistakes) == 2
    for typed, said in mistakes:
        result = gan_train(*shlex.split(typed))
        assert result.code == 2
        assert result.problems == [said]


def test_evaluating(gan_train: Command, gan_evaluate: Command) -> None:
    points = ["model=vanilla", "data=gaussians", "debug=fast"]
    assert gan_train(*points, "hydra.run.dir=outputs/runs/RUN").code == 0
    assert commands("gan-evaluate")
    for arguments in commands("gan-evaluate"):
        assert gan_evaluate(*arguments).code == 0, arguments


def test_preparing_data(gan_data: Command) -> None:
    for number in range(3):
        for kind in ("cat", "dog"):
            write_image(Path(f"pictures/{kind}/{number}.png"), number)
    assert commands("gan-data")
    for arguments in commands("gan-data"):
        assert gan_data(*arguments).code == 0, arguments


def test_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("safetensors")
    monkeypatch.setattr(classifier, "train", functools.partial(classifier.train, steps=2))
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(code.replace("trainer.steps=500", "trainer.steps=2"), {})
    assert Path("threes.png").is_file()
    assert Path("model/README.md").is_file()


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


GROUPS = ["model", "data", "loss", "optimizer", "optimizer/schedule", "tricks", "logger"]


@pytest.mark.parametrize("group", GROUPS)
def test_the_tables_name_every_option_and_no_other(group: str) -> None:
    head = f"{group}=\\[...\\]" if group in ("tricks", "logger") else f"{group}="
    (table,) = re.findall(rf"^\| `{head}`.*\n(?:\|.*\n)*", README, re.MULTILINE)
    if group.startswith("optimizer"):  # a line each
        cells = [line for line in table.splitlines() if line.startswith(f"| `{group}=`")]
        listed = re.findall(r"`(\w+)`", cells[0])
    else:
        listed = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert sorted(listed) == options(group)


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "conf").rglob("*.yaml")), ids=lambda p: str(p.name)
)
def test_every_yaml_says_what_it_is(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# @package" if lines[0].startswith("# @") else "# ")
    header = "\n".join(line for line in lines[:12] if line.startswith("#"))
    if "hydra" not in path.parts:
        assert "gan-" in header, "no command that runs it"
