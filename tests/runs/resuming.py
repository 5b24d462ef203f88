"""Whether a resumed run equals the uninterrupted one, bit for bit."""

import shutil
from pathlib import Path
from typing import Any

import torch

from gan_cli.sinks.checkpoint import load
from tests.conftest import BARE, Command

FEWER = ["data.batch_size=8", "data.limit=32"]
"""Half of what others read."""
SIX = [*BARE, "trainer.steps=6", "trainer.checkpoint_every=3", "trainer.keep_last=9"]
PLAIN = "model=dcgan"
LAYER_NORM = [PLAIN, "model.discriminator.normalization=layer"]
# What a trick needs to be allowed: penalties look at each image's own logits.
NEEDS = dict.fromkeys(
    ("gradient_penalty", "r1", "lazy_r1", "r2", "r1_r2", "dragan"), LAYER_NORM
) | {
    "auxiliary_classifier": ["model=cgan_dcgan"],
    "minibatch_stddev": [PLAIN, "tricks.minibatch_stddev.group_size=4"],
    "experience_replay": [PLAIN, "tricks.experience_replay.size=20"],
    "path_length": ["model=stylegan2", "model.generator.max_width=8", "model.latent_dim=8"],
    "image_pool": [PLAIN, "tricks.image_pool.size=20"],
}


def assert_equal(a: Any, b: Any, where: str = "") -> None:
    """Every tensor and every plain value, exactly."""
    assert type(a) is type(b), where
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_equal(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_equal(x, y, f"{where}[{i}]")
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    else:
        assert a == b, where


def cut_off(run: Path, step: int, where: Path) -> Path:
    """The folder as a run killed some time after its checkpoint at `step` leaves it."""
    shutil.copytree(run, where)
    for file in (where / "checkpoints").glob("step-*"):
        if int(file.name[5:13]) > step:
            file.unlink()
    return where


def check_resume(gan_train: Command, tmp_path: Path, *arguments: str) -> Path:
    """Train six steps, and the last three again from the checkpoint; the first run's folder."""
    whole = gan_train(*SIX, *arguments, "trainer.sample_every=4")
    assert whole.code == 0, whole.err
    part = cut_off(whole.folder, 3, tmp_path / "part")
    resumed = gan_train(f"resume={part}", "trainer.sample_every=0")
    assert resumed.code == 0, resumed.err
    states = [load(r / "checkpoints" / "step-00000006.pt")["state"] for r in (whole.folder, part)]
    assert states[1]["step"] == 6
    assert states[1].keys() >= {"game", "average", "players"}
    assert_equal(states[0], states[1])
    return whole.folder
