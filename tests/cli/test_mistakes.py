"""A mistake costs a person one line and no waiting."""

from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import NARROW, Command


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
        (["model=stylegann"], "model=stylegann: no such model; did you mean stylegan2?"),
        (
            ["model=zzz"],
            "model=zzz: no such model; there is acgan, ali, began, bigan, biggan, cgan,",
        ),
        (["tricks=[instance_nose]"], "tricks=instance_nose: no such tricks; did you mean"),
        # types, missing values, keys nobody reads
        (["data.batch_size=many"], "data.batch_size='many': should be a valid integer"),
        (
            ["trainer.precision=fp8"],
            "trainer.precision='fp8': should be 'auto', 'fp32', 'tf32' or 'bf16'",
        ),
        (["data=folder"], "data.root: missing; give data.root=..."),
        (["+foo=1"], "foo: no such key"),
        (["+hydra.foo=1"], "hydra.foo: no such key"),
        (["hydra.rnu.dir=x"], "hydra.rnu.dir: no such key; did you mean run?"),
        (["+hydra.run.foo=1"], "hydra.run.foo: no such key"),
        (["optimizer.genrator.lr=1e-3"], "optimizer.genrator"),
        # several values and no -m
        (["model=dcgan,vanilla"], "model=dcgan,vanilla: several values; add -m to try each"),
        (["seed=0,1"], "seed=0,1: several values; add -m to try each"),
        (["seed=range(3)"], "seed=range(3): several values; add -m to try each"),
        (["optimizer.generator.lr=1e-3,1e-4"], "optimizer.generator.lr=1e-3,1e-4: several values"),
        (["tricks=r1,r2"], "several values; write 'tricks=[r1,r2]' to have them together, or add"),
        (["optimizer.betas=0.5,0.9"], "write 'optimizer.betas=[0.5,0.9]' to have them together"),
        (["+model.generator.wdith=1"], "model.generator.wdith: no such key; did you mean width?"),
        (["model.generator=5"], "model.generator=5: should name a Generator"),
        (["loss._target_=os.system"], "loss._target_: os.system is not a class"),
        (["this is no override"], "this is no override: not understood"),
        (["=3"], "=3: not understood"),
        (
            ["model=bigan", "tricks=[unrolled]"],
            "model.noise: no such key; tricks=[unrolled] is for one G against one D without other",
        ),
        (
            ["experiment=hifigan_small", "tricks=[auxiliary_classifier]"],
            "tricks.auxiliary_classifier: it learns classes and the data has no labels; drop it",
        ),
        (["model=null"], "must be a string"),
        (["trainer.device=meta"], "trainer.device=meta: not available here"),
        (["trainer.device=hpu"], "trainer.device=hpu: not available here"),
        (["optimizer.betas=[0.5]"], "optimizer.betas=[0.5]: too few values"),
        # as other tools call it
        (["lr=1e-3"], "lr: no such key; write optimizer.lr=1e-3"),
        (["learning_rate=1e-3"], "write optimizer.lr=1e-3"),
        (["lr_g=1e-3"], "write optimizer.generator.lr=1e-3"),
        (["data=mnist", "steps=100"], "steps: no such key; write trainer.steps=100"),
        (["steps=100"], "steps: no such key; write trainer.steps=100"),
        (["batch_size=64"], "batch_size: no such key; write data.batch_size=64"),
        (["model.batch_size=64"], "write data.batch_size=64"),
        (["epochs=5"], "epochs: no such key; write trainer.epochs=5"),
        (["max_steps=5"], "write trainer.steps=5"),
        (["dataset=mnist"], "dataset: no such key; write data=mnist"),
        (["gpu=0"], "gpu: no such key; write trainer.device=cuda"),
        (["gpus=0"], "write trainer.device=cpu"),
        (["outdir=x"], "write hydra.run.dir=x"),
        (["model.depth=3"], "write model.generator.depth=3 or model.discriminator.depth=3"),
        (["model=DCGAN"], "model=DCGAN: no such model; did you mean dcgan?"),
        (["trainer.device=gpu"], "trainer.device=gpu: no such device; write trainer.device=cuda"),
        (["trainer.device=gpu:1"], "write trainer.device=cuda:1"),
        (["tricks.r1.weight=3"], "tricks.r1.weight: r1 is not chosen; add 'tricks=[r1]'"),
        (["tricks=[dropout]", "tricks.r1.weight=3"], "r1 is not chosen; add 'tricks=[dropout,r1]'"),
        (["tricks.r3.weight=3"], "tricks.r3.weight: no such key"),
        (["--steps=100"], "--steps=100: no such option; write trainer.steps=100"),
        (["--lr", "1e-3"], "--lr: no such option; write optimizer.lr=1e-3"),
        (["--batch-size=64"], "write data.batch_size=64"),
        (["--model=vanilla"], "write model=vanilla"),
        (["--trainer.steps=3"], "write trainer.steps=3"),
        (["--multirn"], "--multirn: no such option; did you mean --multirun?"),
        (["--modl=vanilla"], "--modl=vanilla: no such option; did you mean model?"),
        (["--nothing-of-ours"], "keys are written key=value, see gan-train --help"),
        (["-x"], "-x: no such option"),
        (["data={a:1}"], "no such data; there is cifar10"),
        (["seed=${nope}"], "seed: Interpolation key 'nope' not found"),
        (["data=folder", "data.root=a${nope}b"], "data.root: Interpolation key 'nope' not found"),
        (["hydra.run.dir=a${nope}b"], "Interpolation key 'nope' not found"),
        (["+optimizer.fused=true", "+optimizer.foreach=true"], "cannot be `True` together"),
        (["+optimizer.capturable=true"], "optimizer: Adam cannot train these networks"),
        (["+tricks.x._target_=gan_cli.tricks.base.Trick"], "a base class, which does nothing"),
        (["+tricks.x._target_=gan_cli.tricks.base.StepHook"], "a base class, which does nothing"),
        (["loss._target_=gan_cli.games.losses.Loss"], "does not say what discriminator, generator"),
        # what does not go together
        (["data.limit=10"], "data.batch_size"),
        (["model=dcgan", "data.batch_size=1"], "data.batch_size: 1 image has no batch statistics"),
        (
            ["model=pix2pix", "data=digit_outlines", "data.batch_size=1"],
            "model.generator.normalization and model.discriminator.normalization=instance, layer",
        ),
        (
            ["model=began", "tricks=[ada]"],
            "tricks.ada: its strength follows the sign of D's scores",
        ),
        (["data.image_size=30"], "choose one of 28, 32"),
        (
            ["data=digit_inversion", "data.image_size=17"],
            "`b` is image 1x17x17; it keeps other sizes, such as data.image_size=18",
        ),
        (["model=vqgan", "data.image_size=20"], "multipliers, or data.image_size=32"),
        (["data=gaussians", "model=cgan", "model.generator.n_classes=3"], "3 classes"),
        (["trainer.device=cuda:7"], "trainer.device=cuda:7: not available here"),
        (["trainer.device=warp"], "trainer.device=warp: not available here"),
        (["model=wgan_gp", "tricks=[one_sided_smoothing]"], "Wasserstein has no targets"),
        (["model=dcgan", "tricks=[gradient_penalty]"], "BatchNorm in D mixes images"),
    ],
)
def test_a_mistake_costs_one_line(gan_train: Command, arguments: list[str], said: str) -> None:
    result = gan_train(*arguments)
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert result.problems[0].startswith("gan-train: ")
    assert said in result.problems[0]
    assert not (result.folder / "checkpoints").exists()


def test_a_list_where_one_choice_belongs(gan_train: Command) -> None:
    result = gan_train("data=[1,2]")
    assert result.code == 2
    assert [line[: len("gan-train: data=1")] for line in result.problems] == [
        "gan-train: data=1",
        "gan-train: data=2",
    ]


def test_a_mistaken_config_leaves_nothing_behind(gan_train: Command) -> None:
    assert gan_train("optimizer.lr=-1").code == 2
    assert list(Path().iterdir()) == []


def test_several_mistakes_are_all_listed(gan_train: Command) -> None:
    keys = gan_train("optimzer.lr=1", "model=dcgam", "trainer.stpes=3", "data.limit=4")
    assert keys.code == 2
    assert len(keys.problems) == 3, keys.err
    both = gan_train("trainer.stpes=3", "optimizer.lr=-1", "data.image_size=30")
    assert [line.split("=")[0].split(": ")[1] for line in both.problems] == [
        *("trainer.stpes", "optimizer.lr"),
    ]
    values = gan_train("optimizer.lr=0", "seed=-1", "trainer.log_every=0", "+nothing=1")
    assert values.code == 2
    assert len(values.problems) == 4, values.err


def test_hydras_own_keys_are_taken(gan_train: Command) -> None:
    """Where it reads them, or hands them on."""
    callback = "+hydra.callbacks.mine._target_=hydra.experimental.callback.Callback"
    own = ["+hydra.job.env_set.GAN_CLI_TEST=1", callback, "hydra.verbose=false"]
    result = gan_train(*own, "optimizer.lr=0")
    assert result.problems == ["gan-train: optimizer.lr=0: should be greater than 0"]


def test_a_key_below_a_reference(gan_train: Command, tmp_path: Path) -> None:
    own = tmp_path / "own" / "debug"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\nmodel:\n  other: ${data}\n")
    own_folder = ["--config-dir", str(tmp_path / "own"), "debug=mine"]
    result = gan_train(*own_folder, "model.other.root=x")
    assert result.problems == ["gan-train: model.other.root: stands elsewhere; set data.root"]


def test_several_values_beside_other_mistakes(gan_train: Command) -> None:
    result = gan_train("seed=0,1", "model=dcgn,vanilla", "trainer.stesp=5")
    assert len(result.problems) == 3, result.err


def test_broken_yaml_names_file_and_line(gan_train: Command, tmp_path: Path) -> None:
    own = tmp_path / "own" / "model"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("latent_dim: 3\nwidth: [1, 2\nloss: x\n")
    result = gan_train("--config-dir", str(tmp_path / "own"), "model=mine")
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert "mine.yaml:3" in result.err


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


def test_ones_own_files_are_looked_at_before_the_networks(
    gan_train: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("gan_cli.runs.train.try_game", never)
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.wav").write_bytes(b"no sound")
    result = gan_train("model=hifigan", "data=waves", f"data.root={tmp_path / 'clips'}")
    assert result.code == 2
    assert "a.wav: cannot be used" in result.problems[-1]
