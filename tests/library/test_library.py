"""`import gan_cli`: what the commands do, from Python."""

import functools
import inspect
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from PIL import Image

import gan_cli
from gan_cli.metrics import classifier
from gan_cli.paths import conf_folder
from tests.conftest import NARROW, TINY, Command, data_of, narrow
from tests.data.image_files import write_image
from tests.inference.test_class_names import train

SMALL = [*TINY, *NARROW, "trainer.health=false", "trainer.sample_every=0"]


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("translator")
    small = ["data.limit=8", "data.batch_size=4"]
    return train(
        folder / "run", "model=cyclegan", *data_of("cyclegan"), *narrow("cyclegan"), *small
    )


def test_importing_is_quick() -> None:
    """Neither torch nor Hydra, until a name needs them."""
    script = (
        "import sys, gan_cli\n"
        "assert gan_cli.UserError and gan_cli.__version__ and dir(gan_cli)\n"
        "assert not {'torch', 'hydra', 'omegaconf', 'numpy', 'PIL'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_name_is_there_and_says_what_it_is() -> None:
    import gan_cli.cli.export
    import gan_cli.exports.write  # no room takes the name of a function

    for name in gan_cli.__all__:
        found = getattr(gan_cli, name)
        assert name == "__version__" or inspect.getdoc(found), name
    with pytest.raises(AttributeError, match="has no attribute 'sample'"):
        _ = gan_cli.sample
    assert set(dir(gan_cli)) == set(gan_cli.__all__)


def test_training_loading_going_on(gan_train: Command) -> None:
    outer = HydraConfig.instance().cfg
    logged = list(logging.getLogger().handlers)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    run = gan_cli.train("dcgan", "digits", overrides=[*SMALL, "seed=1"], folder="runs/one")
    assert torch.equal(torch.rand(2), expected)  # nobody else's random numbers changed
    assert HydraConfig.instance().cfg is outer
    assert not GlobalHydra.instance().is_initialized()
    assert logging.getLogger().handlers == logged

    assert run.folder == Path.cwd() / "runs" / "one"
    assert (run.summary["step"], run.summary["reason"]) == (4, "finished")
    assert [report["step"] for report in run.reports] == [2, 4]
    assert OmegaConf.load(run.folder / "config.yaml").name == "dcgan-digits"

    # the same as the command's, to the bit
    same = gan_train("model=dcgan", "data=digits", *SMALL, "seed=1").folder
    games = [gan_cli.load(folder).game.state_dict() for folder in (run, same)]
    assert all(torch.equal(value, games[1][name]) for name, value in games[0].items())

    more = gan_cli.train(resume=run, overrides=["trainer.steps=6"])
    assert (more.folder, more.summary["step"]) == (run.folder, 6)
    assert [report["step"] for report in more.reports] == [2, 4, 6]
    assert gan_cli.load(run).step == 6


def test_in_a_thread_that_may_not_listen_to_signals() -> None:
    found: list[object] = []

    def body() -> None:
        try:
            found.append(gan_cli.train("dcgan", overrides=SMALL, folder="run").summary["step"])
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert found == [4]


def test_ctrl_c_saves_and_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    from gan_cli.sinks.jsonl import JsonLines

    write, sent = JsonLines.write, []

    def interrupting(self: JsonLines, run: object) -> None:
        write(self, run)  # type: ignore[arg-type]
        if not sent:  # the second one would stop at once
            sent.append(signal.raise_signal(signal.SIGINT))

    monkeypatch.setattr(JsonLines, "write", interrupting)
    with pytest.raises(KeyboardInterrupt) as stopped:
        gan_cli.train("dcgan", overrides=SMALL, folder="run")
    assert "resume=run" in stopped.value.__notes__[0]
    assert gan_cli.load("run").step in (2, 3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "dcgann"}, "model=dcgann: no such model; did you mean dcgan?"),
        ({"overrides": ["trainer.stesp=5"]}, "trainer.stesp: no such key; did you mean steps?"),
        ({"overrides": ["hydra.run.dri=x"]}, "hydra.run.dri: no such key"),
        ({"overrides": ["optimizer.lr=0"]}, "optimizer.lr=0: should be greater than 0"),
        ({"overrides": ["nonsense"]}, "nonsense: not understood"),
        ({"overrides": ["resume=run"]}, "resume=run: give it as train(resume=...)"),
        ({"tricks": ["r11"]}, "tricks=r11: no such tricks; did you mean r1"),
        ({"overrides": ["seed=1,2"]}, "seed=1,2: several values; train once for each"),
        ({"config_dir": "nowhere"}, "nowhere: no such folder"),
        ({"resume": "nowhere"}, "nowhere: no such checkpoint"),
        ({"data": "folder", "overrides": ["data.root=nowhere"]}, "nowhere"),
    ],
)
def test_a_mistake_is_an_error_of_ours(given: dict, said: str) -> None:
    with pytest.raises(gan_cli.UserError) as error:
        gan_cli.train(**given)
    assert said in str(error.value)
    assert not list(Path.cwd().iterdir())  # and leaves nothing behind
    assert not GlobalHydra.instance().is_initialized()


def test_yaml_of_ones_own() -> None:
    own = Path("mine, and yours/model")
    own.mkdir(parents=True)
    text = (conf_folder() / "model" / "vanilla.yaml").read_text()
    (own / "mine.yaml").write_text(text)
    run = gan_cli.train(
        "mine",
        "gaussians",
        tricks=["r1", "instance_noise"],
        overrides=[*TINY, *narrow("vanilla")],
        folder="run",
        config_dir=own.parent,
    )
    config = OmegaConf.load(run.folder / "config.yaml")
    assert config.name == "mine-gaussians"
    assert set(config.tricks) == {"r1", "instance_noise"}
    points = gan_cli.load(run).sample(5)
    assert points.shape == (5, 2, 1, 1)
    with pytest.raises(gan_cli.UserError, match="are no images"):
        gan_cli.to_grid(points)


def test_sampling(trained: Path, gan_sample: Command) -> None:
    game = gan_cli.load(trained)
    assert (game.n_classes, game.directions, game.step) == (10, (), 4)
    samples = game.sample(6, label=[3, "7"], seed=2)
    assert samples.shape == (6, 1, 16, 16)
    assert samples.dtype == torch.float32
    assert gan_sample(f"checkpoint={trained}", "count=6", "label=[3,7]", "seed=2", "out=a.npz")
    with np.load("a.npz") as drawn:
        assert (drawn["images"][..., 0] == np.stack(gan_cli.to_pil(samples))).all()
    assert torch.equal(game.sample(6, label=(3, 7), seed=2), samples)
    assert torch.equal(game.sample(6, label=torch.tensor([3, 7]), seed=2), samples)
    assert not torch.equal(game.sample(6, label=[3, 7], seed=3), samples)
    assert len(game.sample(3, interpolate=4)) == 8
    assert gan_cli.to_grid(samples, columns=3).size == (3 * 50 + 2, 2 * 50 + 2)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda game: game.sample(0), "count=0: should be greater than or equal to 1"),
        (lambda game: game.sample(3, label="cat"), "label=cat: no such class"),
        (lambda game: game.sample(3, label=object()), "label"),
        (lambda game: game.sample(3, code=1), "code: this model (TwoPlayer) takes none"),
        (lambda game: game.sample(3, input="x.png"), "input: this model (TwoPlayer) takes none"),
        (lambda game: game.sample(10**12), "do not fit into memory"),
        (lambda game: gan_cli.to_pil(torch.zeros(1, 2, 3)), "are no images"),
        (lambda game: gan_cli.load("nowhere"), "nowhere: no such checkpoint"),
        (lambda game: gan_cli.load(game.path, device="abacus"), "device=abacus: not available"),
        (lambda game: gan_cli.evaluate(game.path, count=3), "count=3: should be greater"),
        (lambda game: gan_cli.export(game.path, "g.onnxx"), "out=g.onnxx: end it in"),
    ],
)
def test_a_wrong_wish(
    trained: Path, draw: Callable[[gan_cli.LoadedGame], object], said: str
) -> None:
    with pytest.raises(gan_cli.UserError) as error:
        draw(gan_cli.load(trained))
    assert said in str(error.value)


def test_translating(translator: Path) -> None:
    """A path, Pillow's images and tensors are the same to it."""
    write_image(Path("pictures/one.png"), size=(16, 16), mode="L")
    game = gan_cli.load(translator)
    assert game.directions == ("ab", "ba")
    made = game.sample(input="pictures", direction="ba")
    with Image.open("pictures/one.png") as image:
        assert torch.equal(game.sample(input=image, direction="ba"), made)
        assert torch.allclose(game.sample(input=[image] * 2, direction="ba")[1:], made, atol=1e-5)
        pixels = torch.from_numpy(np.array(image))[None, None]
    assert torch.equal(game.sample(input=pixels, direction="ba"), made)
    assert torch.equal(game.sample(input=pixels / 127.5 - 1, direction="ba"), made)
    assert not torch.equal(game.sample(input=pixels), made)
    for wrong, said in (
        (None, "input: this model (CycleGAN) translates"),
        (torch.zeros(2, 1, 8, 8), "this model takes [N, 1, 16, 16]"),
        (torch.zeros(0, 1, 16, 16), "this model takes [N, 1, 16, 16]"),
        ([], "not images of Pillow's"),
        ([3], "not images of Pillow's"),
        (Image.new("RGB", (16, 16)), "(3 channels, RGB; the model takes 1 channel, gray); convert"),
        ("nowhere", "input=nowhere: not there"),
    ):
        with pytest.raises(gan_cli.UserError) as error:
            game.sample(input=wrong)  # type: ignore[arg-type]
        assert said in str(error.value)


def test_evaluating(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = functools.partial(classifier.train, steps=2)
    monkeypatch.setattr(classifier, "train", quick)
    monkeypatch.setenv("GAN_CLI_CACHE", "cache")
    found = gan_cli.evaluate(trained, count=20, out="found.json", data_limit=100)
    value = found["fd_classifier"]
    assert value.value > 0
    assert value.held_out is not None
    assert value.n == 20
    assert Path("found.json").is_file()


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_defaults_are_the_commands(command: str) -> None:
    """A signature says what conf/ says."""
    config = OmegaConf.to_container(OmegaConf.load(conf_folder() / f"{command}.yaml"))
    assert isinstance(config, dict)
    for name in ("hydra", "defaults"):
        del config[name]
    config |= {f"data_{key}": value for key, value in config.pop("data", {}).items()}
    config["download"] = config.pop("data_download", None)
    for name, parameter in inspect.signature(getattr(gan_cli, command)).parameters.items():
        if parameter.default is not parameter.empty:
            default = list(parameter.default) if name == "trust" else parameter.default
            assert default == config[name], name


def test_sampling_has_the_commands_defaults() -> None:
    config = OmegaConf.load(conf_folder() / "sample.yaml")
    signature = inspect.signature(gan_cli.LoadedGame.sample)
    for name, parameter in signature.parameters.items():
        assert name == "self" or parameter.default == config[name], name
