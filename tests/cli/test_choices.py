"""A recipe taken with other data, another model or another optimizer than it names."""

import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from gan_cli.cli.choices import settle_experiment
from gan_cli.cli.embedded import composed
from gan_cli.config.reader import read
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import UserError
from gan_cli.tuning.result import write_experiment
from tests.conftest import BARE, Command


def settled(*overrides: str) -> tuple[dict[str, object], dict[str, object]]:
    """A config before and after, as plain values."""
    with composed("train", overrides) as config:
        before = OmegaConf.to_container(config, resolve=False)
        settle_experiment(config)
        after = OmegaConf.to_container(config, resolve=False)
    return before, after  # type: ignore[return-value]


@pytest.mark.parametrize(
    "overrides",
    [
        ["experiment=biggan_small", "data=folder", "data.root=x", "data.n_classes=10"],
        ["experiment=hifigan_small", "data=waves", "data.root=x"],
        ["experiment=dcgan_mnist", "model=vanilla", "data=digits"],
        ["experiment=sagan_small", "optimizer=sgd"],
        ["experiment=r3gan_small", "data=cifar10", "optimizer=adam"],
        ["experiment=stylegan2_small", "model=dcgan"],  # and the tricks of its own model
        ["experiment=progan_small", "model=dcgan"],
        ["experiment=cyclegan_digits", "model=dcgan", "data=digits"],
        ["experiment=ebgan_small", "model=dcgan", "loss=hinge"],
    ],
    ids=" ".join,
)
def test_keys_that_the_other_choice_lacks_are_left_out(overrides: list[str]) -> None:
    with composed("train", overrides) as config:
        settle_experiment(config)
        read(config)  # no key is unknown


def test_the_others_stay_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    more = ["data=folder", "data.root=x", "data.image_size=32"]
    _, after = settled("experiment=stylegan2_small", *more)
    data = after["data"]
    assert isinstance(data, dict)
    assert data["batch_size"] == 32
    assert data["image_size"] == 32  # typed
    assert "split" not in data
    (said,) = caplog.messages
    assert said.startswith("experiment=stylegan2_small with data=folder: keeps data.channels=1, ")
    assert said.endswith("; without data.split, which it does not have")
    assert "data.image_size" not in said


@pytest.mark.parametrize(
    "overrides",
    [
        ["experiment=biggan_small"],
        ["data=folder", "data.root=x"],
        ["experiment=biggan_small", "data.batch_size=16", "tricks=[diffaugment]"],
    ],
    ids=" ".join,
)
def test_nothing_else_is_touched(overrides: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before, after = settled(*overrides)
    assert after == before
    assert not caplog.messages


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["data=folder", "data.root=x", "data.n_classes=2", "data.split=test"], "data.split"),
        (["model=dcgan", "model.generator={attention:8}"], "model.generator.attention"),
        (["model=dcgan", "+model.attention=8"], "model.attention"),
    ],
    ids=str,
)
def test_what_was_typed_is_refused(overrides: list[str], key: str) -> None:
    with composed("train", ["experiment=biggan_small", *overrides]) as config:
        settle_experiment(config)
        with pytest.raises(UserError, match=rf"^{key}: no such key"):
            read(config)


def test_recipes_that_go_on_from_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As a search writes its best run down, and as a person would."""
    write_experiment(
        tmp_path, {"experiment": "sagan_small", "optimizer": "sgd"}, {"optimizer.lr": 0.1}, []
    )
    (tmp_path / "experiment" / "child.yaml").write_text(
        "# @package _global_\ndefaults: [cgan_mnist, _self_]\ndata: {limit: 500}\n"
    )
    with composed("train", ["experiment=best"], own=tmp_path) as config:
        settle_experiment(config)
        assert read(config).plain["optimizer"]["lr"] == 0.1
    caplog.set_level(logging.INFO)
    caplog.clear()
    other = ["experiment=child", "data=folder", "data.root=x", "data.n_classes=2"]
    with composed("train", other, own=tmp_path) as config:
        settle_experiment(config)
        read(config)
    assert caplog.messages == [
        "experiment=child with data=folder: keeps data.image_size=28, data.channels=1, "
        "data.limit=500, data.batch_size=100, data.flip=false; without data.split, which it does "
        "not have"
    ]


def test_a_sweep_of_them_is_taken_up_again(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = ["-m", "experiment=sagan_small", "optimizer=sgd", "hydra.sweep.dir=sweep", "seed=0,1"]
    sweep += BARE
    played = Trainer.play

    def play(trainer: Trainer) -> Any:
        if trainer.step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return played(trainer)

    monkeypatch.setattr(Trainer, "play", play)
    assert gan_train(*sweep).code == 143
    monkeypatch.setattr(Trainer, "play", played)
    result = gan_train(*sweep)
    assert result.code == 0, result.err


def test_a_typed_key_is_still_looked_at(gan_train: Command) -> None:
    result = gan_train("experiment=biggan_small", "data=folder", "data.root=x", "data.split=test")
    assert result.code == 2
    assert result.problems[-1].startswith("gan-train: data.split: no such key")


def test_it_trains(gan_train: Command) -> None:
    short = ["trainer.steps=2", "trainer.sample_every=0", "logger=[]", "trainer.log_every=1"]
    result = gan_train("experiment=wgan_gp_small", "data=tones", *short)
    assert result.code == 2  # a model of images
    result = gan_train("experiment=sagan_small", "optimizer=sgd", "data.limit=64", *short)
    assert result.code == 0, result.err
    written = OmegaConf.load(result.folder / ".hydra" / "config.yaml")
    assert "betas" not in written.optimizer
    assert written.optimizer.discriminator.lr == 4e-3
