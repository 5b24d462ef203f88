"""gan-train as a person uses it: what a run leaves, and what it says of mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import NARROW, TINY, Command, narrow, options

EVERY = ["trainer.sample_every=2", "trainer.checkpoint_every=2"]


def test_a_run_leaves_what_the_readme_promises(gan_train: Command) -> None:
    result = gan_train(*TINY, *NARROW, *EVERY)
    assert result.code == 0, result.err
    run = result.folder
    assert {p.name for p in run.iterdir()} >= {
        *("config.yaml", ".hydra", "train.log", "metrics.jsonl", "tensorboard", "samples"),
        *("checkpoints", "summary.json"),
    }
    assert {p.name for p in (run / "samples").iterdir()} == {
        "step-00000002.png",
        "step-00000004.png",
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
    assert "samples" in tags["images"]
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
        assert plot.size == (480, 480)


@pytest.mark.parametrize("model", options("model"))
@pytest.mark.parametrize("data", ["digits", "gaussians"])
def test_every_model_takes_two_steps(gan_train: Command, model: str, data: str) -> None:
    points = data == "gaussians"
    mlp = model in ("vanilla", "cgan")
    result = gan_train(
        "debug=fast", f"model={model}", f"data={data}", "data.limit=64", *narrow(model)
    )
    if points and not mlp:
        assert result.code == 2
        assert "image_size" in result.err
    else:
        assert result.code == 0, result.err


@pytest.mark.parametrize("optimizer", options("optimizer"))
@pytest.mark.parametrize("schedule", options("optimizer/schedule"))
def test_every_optimizer_and_schedule_takes_two_steps(
    gan_train: Command, optimizer: str, schedule: str
) -> None:
    result = gan_train(
        *("debug=fast", f"optimizer={optimizer}", f"optimizer/schedule={schedule}"),
        *("data.limit=64", *NARROW),
    )
    assert result.code == 0, result.err
    last = json.loads((result.folder / "metrics.jsonl").read_text().splitlines()[-1])
    rate = json.loads((result.folder / "summary.json").read_text())["metrics"]["lr/G"]
    assert last["lr/G"] == rate > 0


def test_the_model_picks_an_optimizer_that_the_command_line_overrides(gan_train: Command) -> None:
    small = ["debug=fast", "data.limit=64", *NARROW]
    picked = gan_train("model=wgan_gp", *small, folder="a")
    chosen = gan_train("model=wgan_gp", "optimizer=sgd", *small, folder="b")
    configs = [load_newest(r.folder)[1]["config"]["optimizer"] for r in (picked, chosen)]
    assert configs[0]["generator"] == {
        "_target_": "torch.optim.Adam",
        "lr": 1e-4,
        "betas": [0.0, 0.9],
    }
    assert configs[1]["generator"]["_target_"] == "torch.optim.SGD"


def test_rates_of_the_two_sides_default_to_the_common_one(gan_train: Command) -> None:
    result = gan_train(
        *("debug=fast", "data.limit=64", *NARROW),
        *("optimizer.lr=0.001", "optimizer.discriminator.lr=0.004"),
    )
    metrics = json.loads((result.folder / "summary.json").read_text())["metrics"]
    assert (metrics["lr/G"], metrics["lr/D"]) == (0.001, 0.004)


def test_epochs_instead_of_steps(gan_train: Command) -> None:
    """64 pictures in batches of 16, 3 epochs: 12 steps."""
    result = gan_train(*TINY[:2], *NARROW, "trainer.epochs=3")
    assert json.loads((result.folder / "summary.json").read_text())["step"] == 12


def test_the_same_seed_gives_the_same_run(gan_train: Command) -> None:
    runs = [gan_train(*TINY, *NARROW, *EVERY, folder=name) for name in ("a", "b")]
    states = [load_newest(r.folder)[1]["state"]["objective"] for r in runs]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        # ranges
        (["optimizer.lr=-1"], "optimizer.lr=-1: should be greater than 0"),
        (["optimizer.lr=nan"], "optimizer.lr=nan: should be a finite number"),
        (["optimizer.lr=inf"], "optimizer.lr=inf: should be a finite number"),
        (["optimizer.lr=0"], "optimizer.lr=0: should be greater than 0"),
        (["optimizer.betas=[0.5,1.0]"], "optimizer.betas[1]=1.0: should be less than 1"),
        (["trainer.steps=0"], "trainer.steps=0: should be greater than or equal to 1"),
        (["trainer.steps=1.5"], "trainer.steps=1.5: should be a valid integer"),
        (["data.batch_size=-4"], "data.batch_size=-4: should be greater than or equal to 1"),
        (
            ["tricks=[one_sided_smoothing]", "tricks.one_sided_smoothing.real=0.5"],
            "tricks.one_sided_smoothing.real=0.5: should be less than 0.5",
        ),
        # names
        (["trainer.stesp=5"], "trainer.stesp: no such key; did you mean steps?"),
        (["model=dcgn"], "model=dcgn: no such model; did you mean dcgan?"),
        (["model=zzz"], "model=zzz: no such model; there is cgan, cgan_dcgan, cgan_projection"),
        (["tricks=[instance_nose]"], "tricks=instance_nose: no such tricks; did you mean"),
        # types, missing values, keys nobody reads
        (["data.batch_size=many"], "data.batch_size='many': should be a valid integer"),
        (["trainer.precision=fp8"], "trainer.precision='fp8': should be 'fp32' or 'bf16'"),
        (["data=folder"], "data.root: missing; give data.root=..."),
        (["+foo=1"], "foo: no such key"),
        (["+model.generator.wdith=1"], "model.generator.wdith: no such key; did you mean width?"),
        (["model.generator=5"], "model.generator=5: should name a Generator"),
        (["model.loss._target_=os.system"], "model.loss._target_: os.system is not a class"),
        (["this is no override"], "this is no override: not understood"),
        (["=3"], "=3: not understood"),
        (["model=null"], "must be a string"),
        (["trainer.device=meta"], "trainer.device=meta: not available here"),
        (["optimizer.betas=[0.5]"], "optimizer.betas=[0.5]: too few values"),
        # what does not go together
        (["data.limit=10"], "data.batch_size"),
        (["data.batch_size=1"], "data.batch_size: 1 picture has no batch statistics"),
        (["data.image_size=30"], "choose one of 28, 32"),
        (["data=gaussians", "model=cgan", "model.generator.n_classes=3"], "3 classes"),
        (["trainer.device=cuda:7"], "trainer.device=cuda:7: not available here"),
        (["trainer.device=warp"], "trainer.device=warp: not available here"),
        (["model=wgan_gp", "tricks=[one_sided_smoothing]"], "Wasserstein has no targets"),
        (["tricks=[gradient_penalty]"], "BatchNorm in D mixes pictures"),
    ],
)
def test_a_mistake_costs_one_line(gan_train: Command, arguments: list[str], said: str) -> None:
    result = gan_train(*arguments)
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert result.problems[0].startswith("gan-train: ")
    assert said in result.problems[0]
    assert not (result.folder / "checkpoints").exists()


def test_a_mistaken_config_leaves_nothing_behind(gan_train: Command) -> None:
    assert gan_train("optimizer.lr=-1").code == 2
    assert list(Path().iterdir()) == []


def test_several_mistakes_are_all_listed(gan_train: Command) -> None:
    keys = gan_train("optimzer.lr=1", "model=dcgam", "trainer.stpes=3", "data.limit=4")
    assert keys.code == 2
    assert len(keys.problems) == 3, keys.err
    values = gan_train("optimizer.lr=0", "seed=-1", "trainer.log_every=0", "+nothing=1")
    assert values.code == 2
    assert len(values.problems) == 4, values.err


def test_broken_yaml_names_file_and_line(gan_train: Command, tmp_path: Path) -> None:
    own = tmp_path / "own" / "model"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("latent_dim: 3\nwidth: [1, 2\nloss: x\n")
    result = gan_train("--config-dir", str(tmp_path / "own"), "model=mine")
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert "mine.yaml:3" in result.err


def test_a_config_of_ones_own(gan_train: Command, tmp_path: Path) -> None:
    own = tmp_path / "own" / "optimizer"
    own.mkdir(parents=True)
    (own / "nadam.yaml").write_text(
        "lr: 0.001\n"
        "generator: {_target_: torch.optim.NAdam, lr: '${optimizer.lr}'}\n"
        "discriminator: {_target_: torch.optim.NAdam, lr: '${optimizer.lr}'}\n"
    )
    result = gan_train(
        *("--config-dir", str(tmp_path / "own"), "optimizer=nadam", "debug=fast"),
        *("data.limit=64", *NARROW),
    )
    assert result.code == 0, result.err


def test_cgan_on_pictures_without_labels(gan_train: Command, tmp_path: Path) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    for number in range(4):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    flat = ["data=folder", f"data.root={folder}", "data.batch_size=2", "data.image_size=8"]
    result = gan_train("model=cgan", *flat)
    assert result.code == 2
    assert "no labels" in result.err
    assert len(result.problems) == 1
    assert gan_train(*flat, *NARROW, "debug=fast", "data.batch_size=2").code == 0


def test_a_folder_that_cannot_be_written(gan_train: Command, tmp_path: Path) -> None:
    """Said before any data is read."""
    (tmp_path / "taken").write_text("a file, not a folder")
    result = gan_train(f"hydra.run.dir={tmp_path}/taken/run", "data=mnist", "data.root=nowhere")
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert "taken" in result.err


def test_a_new_run_does_not_mix_with_an_old_one(gan_train: Command) -> None:
    first = gan_train(*TINY, *NARROW)
    again = gan_train(*TINY, *NARROW, "seed=1")
    assert again.code == 2
    assert f"resume={first.folder}" in again.err
    assert load_newest(first.folder)[1]["config"]["seed"] == 0


def test_nan_before_the_first_checkpoint(gan_train: Command) -> None:
    broken = ["optimizer.lr=1e38", "trainer.on_nan=rollback"]
    result = gan_train(*TINY, *NARROW, *broken)
    assert result.code == 1
    assert "no checkpoint to go back to" in result.err
    assert "not finite" in json.loads((result.folder / "summary.json").read_text())["reason"]


def test_a_folder_of_ones_own_that_is_not_there(gan_train: Command) -> None:
    result = gan_train("--config-dir", "nope")
    assert result.code == 2
    assert "no such folder" in result.err


def test_mistakes_beside_a_config_of_ones_own(gan_train: Command, tmp_path: Path) -> None:
    own = tmp_path / "own" / "debug"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\nseed: 5\n")
    result = gan_train("--config-dir", str(tmp_path / "own"), "debug=mine", "trainer.stesp=3")
    assert result.problems == ["gan-train: trainer.stesp: no such key; did you mean steps?"]


def test_two_runs_do_not_share_a_folder(gan_train: Command, tmp_path: Path) -> None:
    """And the lock of a run that is gone is no lock."""
    from gan_cli.sinks.folder import run_folder

    small = [*TINY, *NARROW]
    with run_folder(tmp_path / "run"):
        result = gan_train(*small)
    assert result.code == 2
    assert "another run is writing here" in result.err
    assert (tmp_path / "run" / ".lock").exists()
    assert gan_train(*small).code == 0


@pytest.mark.parametrize("name", ["with space", "a=b", "größe", "it's"])
def test_odd_paths(gan_train: Command, tmp_path: Path, name: str) -> None:
    result = gan_train(f"hydra.run.dir={tmp_path}/{name}", *TINY, *NARROW)
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
