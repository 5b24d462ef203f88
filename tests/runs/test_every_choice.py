"""Every trick, and other choices that a run makes: it resumes bit for bit."""

from pathlib import Path

import pytest

from tests.conftest import NARROW, Command, data_of, narrow, options
from tests.runs.resuming import FEWER, LAYER_NORM, NEEDS, PLAIN, check_resume

COMBINATIONS = [
    ["one_sided_smoothing", "label_flipping", "instance_noise", "experience_replay"],
    ["spectral_norm", "r1", "diffaugment", "historical_averaging"],
    ["minibatch_discrimination", "feature_matching", "gradient_clipping"],
    ["unrolled", "instance_noise", "random_smoothing"],
]


@pytest.mark.parametrize("trick", ["experience_replay", "diffaugment", "instance_noise", "r1"])
@pytest.mark.parametrize("model", ["pix2pix", "cyclegan"])
def test_tricks_of_one_adversary(
    gan_train: Command, tmp_path: Path, model: str, trick: str
) -> None:
    """One that remembers, two that draw, one that differentiates twice."""
    adversary, needs = {
        "pix2pix": ("discriminator", ["model.discriminator.normalization=instance"]),
        "cyclegan": ("b", ["~tricks.image_pool"]),
    }[model]
    if trick == "experience_replay":
        needs = [*needs, "tricks.experience_replay.size=10"]
    check_resume(
        *(gan_train, tmp_path, f"model={model}", *data_of(model), *narrow(model), *needs),
        *(*FEWER, f"tricks=[{trick}]", f"tricks.{trick}.on=[{adversary}]"),
    )


@pytest.mark.parametrize("trick", options("tricks"))
def test_every_trick(gan_train: Command, tmp_path: Path, trick: str) -> None:
    needs = NEEDS.get(trick, [PLAIN])
    check_resume(gan_train, tmp_path, *needs, f"tricks=[{trick}]", *NARROW, *FEWER)


@pytest.mark.parametrize("tricks", COMBINATIONS, ids="+".join)
def test_tricks_together(gan_train: Command, tmp_path: Path, tricks: list[str]) -> None:
    check_resume(gan_train, tmp_path, f"tricks=[{','.join(tricks)}]", *LAYER_NORM, *NARROW, *FEWER)


@pytest.mark.parametrize(
    "argument",
    [
        *("data.flip=true", "optimizer/schedule=cosine", "optimizer/schedule=linear"),
        *("optimizer=ttur", "optimizer=rmsprop", "ema=null", "loss=hinge", "model.n_critic=2"),
    ],
)
def test_other_choices(gan_train: Command, tmp_path: Path, argument: str) -> None:
    check_resume(gan_train, tmp_path, PLAIN, argument, *NARROW, *FEWER)
