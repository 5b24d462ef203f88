"""`--help`, `--list` and `--explain` say what there is, and completion offers it."""

import subprocess
import sys
from pathlib import Path

import pytest

from gan_cli.cli.completion import candidates
from gan_cli.paths import conf_folder
from tests.cli.commands import environment
from tests.conftest import Command, Result, options


def words(result: Result) -> str:
    """What was said, however it was wrapped."""
    assert result.code == 0, result.err
    return " ".join(result.out.split())


def test_help_has_the_comments(gan_train: Command) -> None:
    said = words(gan_train("--help"))
    assert said.startswith("Train a GAN")
    assert (
        "trainer.precision=auto fp32, tf32 (on NVIDIA's GPUs), bf16 (losses under autocast), auto"
        in said
    )
    assert "trainer.on_nan=stop stop, skip (the turn), rollback" in said
    assert "trainer.steps=2000 generator updates; each data/ file" in said
    assert "suits its data; 43 epochs" in said
    assert "cgan, cgan_dcgan, cgan_dcgan_r1" in said
    assert "--explain KEY" in said
    assert "_target_" not in said
    assert "conf/" not in said
    assert list(Path().iterdir()) == []


def test_help_goes_with_what_was_chosen(gan_train: Command) -> None:
    said = words(gan_train("model=wgan_gp", "--help", "optimizer.lr=3e-4"))
    assert "optimizer.lr=0.0003" in said
    assert "model.n_critic=5" in said
    assert "tricks.gradient_penalty.weight=10 the paper's lambda" in said
    mistaken = gan_train("--help", "model=dcgn")
    assert mistaken.code == 2
    assert "did you mean dcgan?" in mistaken.err


def test_help_of_a_run_that_goes_on(gan_train: Command) -> None:
    assert gan_train("resume=nowhere", "--help").code == 0


def test_help_of_other_commands(gan_sample: Command, gan_evaluate: Command) -> None:
    said = words(gan_sample("--help"))
    assert "label=null a class by number or name" in said
    assert "gan-sample checkpoint=outputs/runs/... count=64 out=grid.png" in said
    assert "count=50000 fakes, as published FIDs take them" in words(gan_evaluate("-h"))
    assert gan_sample("--list", "models").problems == [
        "gan-sample: --list: gan-sample has no groups; see gan-sample --help"
    ]
    assert "a whole number (0 or more)" in words(gan_sample("--explain", "seed"))


@pytest.mark.parametrize(
    ("plural", "group"),
    [
        ("models", "model"),
        ("losses", "loss"),
        ("tricks", "tricks"),
        ("data", "data"),
        ("experiments", "experiment"),
        ("optimizers", "optimizer"),
        ("optimizer/schedule", "optimizer/schedule"),
    ],
)
def test_a_list_has_every_choice(gan_train: Command, plural: str, group: str) -> None:
    lines = gan_train("--list", plural).out.splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert named == options(group)
    assert "Radford et al. 2016): strided" in words(gan_train("--list=models"))


def test_a_list_of_nothing_and_of_what_is_not_there(gan_train: Command) -> None:
    assert "vanilla, vqgan, wgan" in words(gan_train("--list"))
    result = gan_train("--list", "modls")
    assert result.code == 2
    assert result.problems == ["gan-train: --list modls: no such group; did you mean models?"]


def test_a_list_has_ones_own(gan_train: Command, tmp_path: Path) -> None:
    own = tmp_path / "own" / "model"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# My very own. With more.\ndefaults: [dcgan]\nlatent_dim: 3\n")
    folder = ["--config-dir", str(tmp_path / "own")]
    assert "mine My very own. pix2pix" in words(gan_train(*folder, "--list", "models"))
    said = words(gan_train(*folder, "--explain", "model=mine"))
    assert "My very own. With more." in said
    assert "model.latent_dim=3" in said


@pytest.mark.parametrize(
    ("wanted", "parts"),
    [
        (["trainer.on_nan"], ["trainer.on_nan=stop", "takes stop, skip or rollback", "set in tr"]),
        (["hydra.sweep.dir"], ["hydra.sweep.dir=outputs/sweeps/${now:", "a sweep's, with"]),
        (["trainer"], ["How long a run takes", "trainer.device=auto", "trainer.keep_last=3"]),
        (["tricks.r1"], ["Mescheder et al. 2018", "tricks.r1.weight=10", "a number (0 or more)"]),
        (["tricks.r1.weight"], ["tricks.r1.weight=10", "gamma"]),
        (["tricks.r1.on"], ["tricks.r1.on=null", "a list of names or null", "it is for, by name"]),
        (["model=dcgan"], ["Radford et al. 2016", "model.generator.width=128", "leaky_relu, elu"]),
        (["model=wgan_gp"], ["includes dcgan, tricks/gradient_penalty, loss=wasserstein"]),
        (["models"], ["Choices for model=", "cyclegan"]),
        (["optimizer.lr"], ["optimizer.lr=0.002", "a number (above 0)"]),
        (["data.batch_size", "data=mnist"], ["data.batch_size=64 (GPU: 128)", "many small"]),
        (["optimizer.generator.lr"], ["for the player generator alone", "a number (above 0)"]),
        (["ema.decay"], ["from 0 to below 1", "weight of the past"]),
        (["data.image_size", "data=folder", "data.root=x"], ["64", "shorter side resized"]),
        (
            ["model.generator", "model=dcgan"],
            ["+model.generator.n_classes=0", "follows model.la"],
        ),
        (["experiment=dcgan_mnist"], ["trainer.steps=", "arXiv:1511.06434"]),
        (["seed"], ["seed=0", "a whole number (0 or more)"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_explain(gan_train: Command, wanted: list[str], parts: list[str]) -> None:
    said = words(gan_train("--explain", *wanted))
    for part in parts:
        assert part in said


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("trainer.stpes", "did you mean trainer.steps?"),
        ("model=dcgn", "did you mean dcgan?"),
        ("tricks.instance_nose.std", "did you mean instance_noise?"),
    ],
)
def test_explain_what_is_not_there(gan_train: Command, wanted: str, hint: str) -> None:
    result = gan_train("--explain", wanted)
    assert result.code == 2
    assert len(result.problems) == 1
    assert hint in result.err


QUESTIONS = [["--help"], ["data=mnist", "-h"], ["--list", "models"], ["lr=1"], ["--steps=1"]]


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_answers_do_not_wait_for_torch(question: list[str], tmp_path: Path) -> None:
    program = (
        "import sys\nfrom gan_cli.cli.train import main\n"
        f"try:\n    main({question})\nexcept SystemExit:\n    print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("trainer.on_nan=", ["stop", "skip", "rollback"]),
        ("trainer.on_nan=s", ["stop", "skip"]),
        ("model=dcgan data.flip=", ["true", "false"]),
        ("model.generator.normalization=", ["batch", "instance", "layer", "group", "none"]),
        ("model=infogan model.discriminator.normalization=", ["batch", "layer", "none"]),
        ("trainer.device=c", ["cpu", "cuda", "cuda:1"]),
        ("data.split=", ["train", "test"]),
        ("'tricks=[r1,lab", ["[r1,label_flipping"]),
        ("model=wgan_", ["wgan_gp", "wgan_gp_resnet"]),
    ],
)
def test_completion_of_values(line: str, wanted: list[str]) -> None:
    found = candidates("train", [conf_folder()], f"gan-train {line}")
    key = line.split()[-1].strip("'").partition("=")[0]
    assert found == [f"{key}={value}" for value in wanted]


def test_completion_of_options_and_keys() -> None:
    folders = [conf_folder()]
    assert candidates("train", folders, "gan-train --ex") == ["--explain", "--experimental-rerun"]
    assert candidates("train", folders, "gan-train --list mo") == ["models", "model"]
    assert candidates("train", folders, "gan-train trainer.pre") == ["trainer.precision="]
    assert candidates("sample", folders, "gan-sample ema=") == ["ema=true", "ema=false"]
    resize = "gan-data resize pictures on_corrupt="
    assert candidates("data_resize", folders, resize) == ["on_corrupt=error", "on_corrupt=skip"]


def test_completion_says_nothing_of_mistakes(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_LINE", "gan-train model=nope trainer.pre")
    assert words(gan_train("-sc", "query=bash")) == ""
    monkeypatch.setenv("COMP_LINE", "gan-train trainer.pre")
    assert words(gan_train("-sc", "query=bash")) == "trainer.precision="


@pytest.mark.parametrize("command", ["sample", "train", ""])
def test_as_a_module(command: str, tmp_path: Path) -> None:
    call = [sys.executable, "-m", "gan_cli", *([command] if command else []), "--help"]
    done = subprocess.run(
        call, cwd=tmp_path, env=environment(), text=True, stdout=subprocess.PIPE, check=True
    )
    assert f"usage: gan-{command or 'train'} " in done.stdout
