"""A recipe taken with other data, another model or another optimizer than it names."""

import logging

import pytest
from omegaconf import OmegaConf

from gan_cli.cli.choices import settle_experiment
from gan_cli.cli.embedded import composed
from gan_cli.config.reader import read
from tests.conftest import Command


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
