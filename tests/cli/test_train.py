"""gan-train as a person uses it: what a run leaves, and what it says of mistakes."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_cli.engine.trainer import Trainer
from gan_cli.sinks.checkpoint import load_newest
from gan_cli.sinks.tensorboard import FIRST
from gan_cli.viz.plane import BOTTOM, LEFT, RIGHT, TOP
from tests.conftest import BARE, NARROW, TINY, Command, narrow, options

EVERY = ["trainer.sample_every=2", "trainer.checkpoint_every=2"]


def test_a_run_leaves_what_the_readme_promises(gan_train: Command) -> None:
    result = gan_train(*TINY, *NARROW, *EVERY)
    assert result.code == 0, result.err
    run = result.folder
    assert {p.name for p in run.iterdir()} >= {
        *("config.yaml", ".hydra", "train.log", "metrics.jsonl", "tensorboard", "samples"),
        *("checkpoints", "summary.json", "curves.png", "training.gif", "real_and_fake.png"),
        "interpolation.png",
    }
    assert {p.name for p in (run / "samples").iterdir()} == {
        *("step-00000000.png", "step-00000002.png", "step-00000004.png"),
    }
    with Image.open(run / "samples" / "step-00000004.png") as grid:
        assert grid.size[0] > 100

    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert [line["images"] for line in lines] == [32, 64]
    scalars = {
        *("loss/D/adversarial", "loss/G/adversarial", "score/real", "score/fake"),
        *("grad_norm/D", "grad_norm/G", "lr/D", "lr/G", "speed/images_per_second"),
    }
    assert scalars <= lines[-1].keys()

    summary = json.loads((run / "summary.json").read_text())
    assert summary["step"] == 4
    assert summary["reason"] == "finished"
    assert (run / summary["checkpoint"]).is_file()
    assert summary["parameters"]["generator"] > 0
    assert summary["parameters"]["discriminator"] > 0
    assert summary["metrics"]["loss/D/adversarial"] == lines[-1]["loss/D/adversarial"]
    assert {"images_per_second", "device", "versions", "peak_memory_bytes"} <= summary.keys()

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert scalars <= set(tags["scalars"])
    assert FIRST in tags["images"]
    assert "config/text_summary" in tags["tensors"]
    assert {"_hparams_/experiment", "_hparams_/session_start_info"} <= set(
        events.summary_metadata
    ) | set(events.PluginTagToContent("hparams"))


def test_a_labelled_grid_shows_one_class_a_column(gan_train: Command) -> None:
    result = gan_train(*TINY, "model=cgan", "model.generator.hidden=[8]", *EVERY)
    assert result.code == 0, result.err
    with Image.open(result.folder / "samples" / "step-00000004.png") as grid:
        columns, rows = (round(side / 50) for side in grid.size)
    assert (columns, rows) == (10, 6)


def test_points_are_plotted(gan_train: Command) -> None:
    result = gan_train("data=gaussians", "model=vanilla", "data.limit=100", *TINY[1:], *EVERY)
    assert result.code == 0, result.err
    with Image.open(result.folder / "samples" / "step-00000004.png") as plot:
        assert plot.size == (LEFT + 480 + RIGHT, TOP + 480 + BOTTOM)


@pytest.mark.parametrize("model", options("model"))
def test_points_are_for_models_that_fit_them(gan_train: Command, model: str) -> None:
    small = ["data=gaussians", "data.limit=64", *narrow(model), "logger=[]"]
    result = gan_train("debug=fast", f"model={model}", *small)
    if model in ("vanilla", "cgan", "ebgan"):
        assert result.code == 0, result.err
        return
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    translates = "image" in result.err and "needs a field" in result.err
    wave = "needs data.sample_rate, and this data has none" in result.err
    assert translates or wave or "image_size" in result.err


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan", "srgan", "esrgan"])
def test_digits_are_no_pairs(gan_train: Command, model: str) -> None:
    result = gan_train("debug=fast", f"model={model}", "data=digits", *narrow(model))
    assert result.code == 2
    assert "needs a field" in result.err


def test_digits_are_no_sound(gan_train: Command) -> None:
    result = gan_train("debug=fast", "model=hifigan", "data=digits", *narrow("hifigan"))
    assert result.code == 2
    assert "needs data.sample_rate, and this data has none" in result.err


@pytest.mark.parametrize("schedule", options("optimizer/schedule"))
def test_every_schedule_takes_two_steps(gan_train: Command, schedule: str) -> None:
    small = ["data.limit=64", *NARROW, "trainer.sample_every=0", "logger=[]"]
    result = gan_train("debug=fast", f"optimizer/schedule={schedule}", *small)
    assert result.code == 0, result.err
    last = json.loads((result.folder / "metrics.jsonl").read_text().splitlines()[-1])
    rate = json.loads((result.folder / "summary.json").read_text())["metrics"]["lr/G"]
    assert last["lr/G"] == rate > 0


def test_the_model_picks_an_optimizer_that_the_command_line_overrides(gan_train: Command) -> None:
    small = ["debug=fast", "data.limit=64", *NARROW, "trainer.sample_every=0", "logger=[]"]
    picked = gan_train("model=wgan_gp", *small, folder="a")
    chosen = gan_train("model=wgan_gp", "optimizer=sgd", *small, folder="b")
    configs = [load_newest(r.folder)[1]["config"]["optimizer"] for r in (picked, chosen)]
    adam = {"_target_": "torch.optim.Adam", "lr": 1e-4, "betas": [0.0, 0.9]}
    assert configs[0] | adam == configs[0]
    assert configs[1]["_target_"] == "torch.optim.SGD"


def test_rates_of_the_two_sides_default_to_the_common_one(gan_train: Command) -> None:
    result = gan_train(
        *("debug=fast", "data.limit=64", *NARROW),
        *("optimizer.lr=0.001", "optimizer.discriminator.lr=0.004"),
    )
    metrics = json.loads((result.folder / "summary.json").read_text())["metrics"]
    assert (metrics["lr/G"], metrics["lr/D"]) == (0.001, 0.004)


def test_epochs_instead_of_steps(gan_train: Command) -> None:
    """64 pictures in batches of 16, 3 epochs: 12 steps."""
    result = gan_train(*BARE[:2], *BARE[4:], *NARROW, "trainer.epochs=3")
    assert json.loads((result.folder / "summary.json").read_text())["step"] == 12


def test_the_same_seed_gives_the_same_run(gan_train: Command) -> None:
    runs = [gan_train(*TINY, *NARROW, *EVERY, folder=name) for name in ("a", "b")]
    states = [load_newest(r.folder)[1]["state"]["game"] for r in runs]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])


def test_a_config_of_ones_own(gan_train: Command, tmp_path: Path) -> None:
    own = tmp_path / "own" / "optimizer"
    own.mkdir(parents=True)
    (own / "nadam.yaml").write_text("_target_: torch.optim.NAdam\nlr: 0.001\n")
    result = gan_train(
        *("--config-dir", str(tmp_path / "own"), "optimizer=nadam", "debug=fast"),
        *("data.limit=64", *NARROW),
    )
    assert result.code == 0, result.err


def test_a_new_run_does_not_mix_with_an_old_one(gan_train: Command) -> None:
    first = gan_train(*BARE, *NARROW)
    again = gan_train(*BARE, *NARROW, "seed=1")
    assert again.code == 2
    assert f"resume={first.folder}" in again.err
    assert load_newest(first.folder)[1]["config"]["seed"] == 0


def test_nan_before_the_first_checkpoint(gan_train: Command) -> None:
    broken = ["optimizer.lr=1e38", "trainer.on_nan=rollback"]
    result = gan_train(*BARE, *NARROW, *broken)
    assert result.code == 1
    assert "no checkpoint to go back to" in result.err
    assert "not finite" in json.loads((result.folder / "summary.json").read_text())["reason"]


@pytest.mark.parametrize("name", ["run", "it's a run"])
def test_a_run_that_fails_says_how_to_go_on(gan_train: Command, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    assert gan_train(*BARE, *NARROW, f"hydra.run.dir={folder}").code == 0
    failed = gan_train(f"resume={folder}", "trainer.steps=9", "optimizer.lr=1e38")
    assert failed.code == 1
    said, _, line = failed.problems[-1].partition("resume with: ")
    assert said == ""
    program, argument = shlex.split(line)
    assert program == "gan-train"
    assert gan_train(argument).code == 0


def test_groups_repeated_on_resume(gan_train: Command) -> None:
    """They are fine where they say what the run was begun with."""
    groups = ["model=wgan_gp", "optimizer/schedule=linear", "tricks=[instance_noise]"]
    run = gan_train(*BARE, *NARROW, *groups).folder
    again = gan_train(f"resume={run}", "trainer.steps=6", *groups, "debug=null")
    assert again.code == 0, again.err
    choices = load_newest(run)[1]["choices"]
    assert (choices["model"], choices["optimizer"]) == ("wgan_gp", "adam_wgan_gp")
    assert choices["tricks"] == ["instance_noise"]
    other = gan_train(f"resume={run}", "model=dcgan", "tricks=[r1]", "data=mnist")
    assert other.code == 2
    assert len(other.problems) == 3, other.err
    assert "model=dcgan: a resumed run keeps its model (wgan_gp)" in other.problems[0]


def test_two_runs_do_not_share_a_folder(gan_train: Command, tmp_path: Path) -> None:
    """Another process holds it; once that is killed, the lock it leaves is no lock."""
    from gan_cli.sinks.folder import run_folder

    small = [*BARE, *NARROW]
    read, write = os.pipe()
    other = os.fork()
    if other == 0:
        with run_folder(tmp_path / "run"):
            os.write(write, b"locked")
            signal.pause()
    os.read(read, 6)
    try:
        result = gan_train(*small)
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
    assert result.code == 2
    assert "another run is writing here" in result.err
    assert (tmp_path / "run" / ".lock").exists()
    assert gan_train(*small).code == 0


def test_ctrl_c_twice(gan_train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second does not wait for the step or its checkpoint; the one before is good."""
    played = Trainer.play

    def play(trainer: Trainer) -> Any:
        if trainer.step == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return played(trainer)

    monkeypatch.setattr(Trainer, "play", play)
    result = gan_train(*BARE, *NARROW, "trainer.checkpoint_every=1")
    assert result.code == 130
    assert result.problems[0] == "gan-train: stopped by a second Ctrl-C"
    assert load_newest(result.folder)[1]["state"]["step"] == 3
    assert json.loads((result.folder / "summary.json").read_text())["reason"] == "stopped at once"


@pytest.mark.parametrize("name", ["with space", "a=b", "größe", "it's", "b, c"])
def test_odd_paths(gan_train: Command, tmp_path: Path, name: str) -> None:
    result = gan_train(f"hydra.run.dir={tmp_path}/{name}", *BARE, *NARROW)
    assert result.code == 0, result.err
    assert (tmp_path / name / "summary.json").is_file()


def test_help_and_mistakes_do_not_wait_for_torch() -> None:
    """What answers at once is what has not imported torch."""
    probe = (
        "import sys\n"
        "from gan_cli.cli.train import main\n"
        "try: main({arguments!r})\n"
        "except SystemExit as left: code = left.code\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "sys.exit(code)\n"
    )
    for arguments, code in ((["--help"], 0), (["trainer.stesp=5"], 2), (["model=nope"], 2)):
        done = subprocess.run(
            [sys.executable, "-c", probe.format(arguments=arguments)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
