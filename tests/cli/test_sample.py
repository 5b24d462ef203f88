"""gan-sample needs a checkpoint and nothing else."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan_cli.sinks.checkpoint import load_newest, save
from tests.conftest import BARE, NARROW, Command

LABELLED = [*BARE, "model=cgan", "model.generator.hidden=[8]"]


def drawn(path: str) -> dict[str, Any]:
    with np.load(path) as arrays:
        return dict(arrays)


def test_a_grid(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train("model=dcgan", *BARE, *NARROW).folder
    result = gan_sample(f"checkpoint={run}", "count=9", "out=deep/down/grid.png")
    assert result.code == 0, result.err
    with Image.open("deep/down/grid.png") as grid:
        assert grid.size == (3 * 50 + 2, 3 * 50 + 2)
    assert not Path("outputs").exists()
    assert not Path(".hydra").exists()


def test_arrays_with_labels(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train(*LABELLED).folder
    assert gan_sample(f"checkpoint={run}", "count=5", "label=3", "out=a.npz").code == 0
    arrays = drawn("a.npz")
    assert arrays["images"].shape == (5, 16, 16, 1)
    assert arrays["images"].dtype == np.uint8
    assert arrays["labels"].tolist() == [3] * 5
    assert gan_sample(f"checkpoint={run}", "count=5", "label=[3,7]", "out=a.npz").code == 0
    assert drawn("a.npz")["labels"].tolist() == [3, 7, 3, 7, 3]


def test_the_label_decides_what_is_drawn(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train(*LABELLED).folder
    for label in (0, 1):
        gan_sample(f"checkpoint={run}", "count=3", f"label={label}", f"out={label}.npz")
    assert (drawn("0.npz")["images"] != drawn("1.npz")["images"]).any()


def test_one_png_each(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train(*LABELLED).folder
    assert gan_sample(f"checkpoint={run}", "count=3", "out=each/").code == 0
    assert sorted(p.name for p in Path("each").iterdir()) == [
        "00000-0.png",
        "00001-1.png",
        "00002-2.png",
    ]
    with Image.open("each/00000-0.png") as picture:
        assert picture.size == (16, 16)


def test_the_seed_decides(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train(*BARE, *NARROW).folder
    images = []
    for number, seed in enumerate((1, 1, 2)):
        gan_sample(f"checkpoint={run}", "count=2", f"seed={seed}", f"out={number}.npz")
        images.append(drawn(f"{number}.npz")["images"])
    assert (images[0] == images[1]).all()
    assert (images[0] != images[2]).any()


def test_ema_or_the_last_weights(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train(*BARE, *NARROW).folder
    for ema in ("true", "false"):
        gan_sample(f"checkpoint={run}", "count=2", f"ema={ema}", f"out={ema}.npz")
    assert (drawn("true.npz")["images"] != drawn("false.npz")["images"]).any()


def test_walks(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train(*BARE, *NARROW).folder
    assert gan_sample(f"checkpoint={run}", "count=3", "interpolate=8", "out=w.png").code == 0
    with Image.open("w.png") as grid:
        assert grid.size == (8 * 50 + 2, 2 * 50 + 2)
    assert gan_sample(f"checkpoint={run}", "count=3", "interpolate=8", "out=w.gif").code == 0
    with Image.open("w.gif") as film:
        assert getattr(film, "n_frames") > 8  # noqa: B009


def test_truncation(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train(*BARE, *NARROW).folder
    for name, more in (("a", []), ("b", ["truncation=0.1"])):
        gan_sample(f"checkpoint={run}", "count=8", f"out={name}.npz", *more)
    spread = [drawn(f"{name}.npz")["images"].astype(float).std(axis=0).mean() for name in "ab"]
    assert spread[1] < spread[0]


def test_points(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train("data=gaussians", "model=vanilla", "data.limit=64", "debug=fast").folder
    assert gan_sample(f"checkpoint={run}", "count=100", "out=p.npz").code == 0
    assert drawn("p.npz")["points"].shape == (100, 2)
    assert gan_sample(f"checkpoint={run}", "count=100", "out=p.png").code == 0
    with Image.open("p.png") as plot:
        gray = [color for color in plot.getdata() if max(color) == min(color) == 0xB8]
    assert len(gray) > 100, "the eight modes of what it was trained on"


def test_points_of_data_that_nobody_trusts_stand_alone(
    gan_train: Command, gan_sample: Command
) -> None:
    """What a checkpoint says of its data is not built, and not needed either."""
    run = gan_train("data=gaussians", "model=vanilla", "data.limit=64", "debug=fast").folder
    path, content = load_newest(run)
    content["config"]["data"]["_target_"] = "mine.Gaussians"
    save(path, content)
    result = gan_sample(f"checkpoint={run}", "count=10", "out=p.png")
    assert result.code == 0, result.err


def test_the_data_may_be_gone_and_the_file_elsewhere(
    gan_train: Command, gan_sample: Command, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(4):
        Image.new("L", (8, 8), 40 * number).save(pictures / f"{number}.png")
    run = gan_train(
        *("data=folder", f"data.root={pictures}", "data.image_size=8", "data.channels=1"),
        *("debug=fast", "data.batch_size=2", *NARROW),
    )
    assert run.code == 0, run.err
    for picture in pictures.iterdir():
        picture.unlink()
    file = load_newest(run.folder)[0].rename(tmp_path / "größe = 8.pt")
    result = gan_sample(f"checkpoint={file}", "out=x.png")
    assert result.code == 0, result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["label=10"], "label=10: the model knows the classes 0 to 9"),
        (["count=0"], "count=0: should be greater than or equal to 1"),
        (["out=grid.jpg"], "end it in .png (grid), .npz, .gif, .wav (sound) or /"),
        (["interpolate=4", "count=1"], "an interpolation needs two ends"),
        (["truncation=-1"], "truncation=-1: should be greater than 0"),
        (["lable=3"], "lable: no such key; did you mean label?"),
        (["checkpoint=nowhere"], "nowhere: no such checkpoint"),
        (["out=/proc/nope/a.png"], "cannot be written"),
    ],
)
def test_a_mistake_costs_one_line(
    gan_train: Command, gan_sample: Command, arguments: list[str], said: str
) -> None:
    run = gan_train(*LABELLED).folder
    result = gan_sample(f"checkpoint={run}", *arguments)
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert said in result.err


def test_a_label_for_a_model_without_labels(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train("model=dcgan", *BARE, *NARROW).folder
    result = gan_sample(f"checkpoint={run}", "label=3")
    assert result.code == 2
    assert "trained without labels" in result.err


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("owned"),))


def test_a_pickle_that_runs_code(gan_sample: Command, gan_train: Command) -> None:
    Path("plain.pt").write_bytes(pickle.dumps(Malicious()))
    torch.save({"format": 1, "config": {}, "state": Malicious()}, "zipped.pt")
    for name in ("plain.pt", "zipped.pt"):
        for result in (gan_sample(f"checkpoint={name}"), gan_train(f"resume={name}")):
            assert result.code == 2
            assert len(result.problems) == 1, result.err
            assert not Path("owned").exists()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("model.generator._target_", "os.system", "refused"),
        ("model.generator._target_", "torch.load", "refused"),
        ("model.loss._target_", "torch.nn.Linear", "refused"),
        ("model.generator._target_", "gan_cli.runs.train.Path", "refused"),
        ("optimizer._target_", "torch.optim.swa_utils.AveragedModel", "is not a"),
        ("name", "${oc.env:HOME}", "interpolation"),
        (
            "hydra",
            {"callbacks": {"x": {"_target_": "os.mkdir", "path": "owned"}}},
            "hydra is no part of a run's config",
        ),
        ("hydra", {"job_logging": {"handlers": {}}}, "hydra is no part of a run's config"),
        ("defaults", ["_self_"], "defaults is no part of a run's config"),
        ("tricks", {"x": {"_target_": "subprocess.Popen", "args": ["touch", "owned"]}}, "refused"),
    ],
)
def test_a_hostile_config_in_a_checkpoint(
    gan_train: Command, gan_sample: Command, key: str, value: Any, said: str
) -> None:
    """Refused, both by sampling and by resuming."""
    run = gan_train(*BARE, *NARROW).folder
    _, content = load_newest(run)
    node: Any = content["config"]
    *path, last = key.split(".")
    for name in path:
        node = node[name]
    node[last] = value
    content["config"]["trust"] = ["os", "torch", "subprocess", "posix"]
    save(Path("hostile.pt"), content)
    for result in (
        gan_sample("checkpoint=hostile.pt"),
        gan_train("resume=hostile.pt", "trainer.steps=9"),
    ):
        assert result.code == 2, result.out
        assert said in result.err
        assert not Path("owned").exists()


def test_a_checkpoint_of_a_newer_format(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train(*BARE, *NARROW).folder
    _, content = load_newest(run)
    content.pop("format")
    torch.save({"format": 99, **content}, "newer.pt")
    for result in (gan_sample("checkpoint=newer.pt"), gan_train("resume=newer.pt")):
        assert result.code == 2
        assert "update gan-cli" in result.err


def test_statistics_are_taken_anew(gan_train: Command, gan_sample: Command) -> None:
    """Behind a layer of z alone BatchNorm makes up for a truncation, once it is told."""
    run = gan_train(*BARE, *NARROW).folder
    spread = {}
    for name, more in {"cut": [], "anew": ["standing=2"]}.items():
        options = (f"out={name}.npz", "truncation=0.1", *more)
        assert gan_sample(f"checkpoint={run}", "count=8", *options).code == 0
        spread[name] = drawn(f"{name}.npz")["images"].astype(float).std(axis=0).mean()
    assert spread["cut"] < spread["anew"]


def test_statistics_of_none(gan_train: Command, gan_sample: Command) -> None:
    run = gan_train("model=vanilla", "data.limit=64", "debug=fast").folder
    result = gan_sample(f"checkpoint={run}", "standing=2", "out=b.png")
    assert result.code == 2
    assert result.problems == [
        "gan-sample: standing: no network of this model that draws has BatchNorm; leave it out"
    ]
