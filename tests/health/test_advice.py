"""Advice is a command that can be copied, and that composes and trains."""

import itertools
import shlex

import pytest

from gan_cli.health.advice import Setting, advise, command, remedy
from gan_cli.health.symptoms import (
    COLLAPSE,
    OVERFITTING,
    OVERPOWERING,
    SYMPTOMS,
    VANISHING,
    Symptom,
)
from tests.conftest import NARROW, TINY, Command

PLAIN = Setting([], slopes=False, points=False, saturating=False, rate=2e-4)


def test_the_command_is_the_one_given_and_a_trick_more() -> None:
    given = ["model=dcgan", "data.root=my pictures", "tricks=[ema,instance_noise]"]
    assert shlex.split(command(given, "tricks=[diffaugment]")) == [
        *("gan-train", "model=dcgan", "data.root=my pictures"),
        "tricks=[ema,instance_noise,diffaugment]",
    ]
    assert command([], "tricks=[diffaugment]") == "gan-train 'tricks=[diffaugment]'"


def test_a_key_that_was_given_is_replaced() -> None:
    given = ["++optimizer.discriminator.lr=1e-3", "seed=1"]
    assert command(given, "optimizer.discriminator.lr=2e-4") == (
        "gan-train seed=1 optimizer.discriminator.lr=2e-4"
    )


def test_remedies_fit_the_run() -> None:
    assert remedy(OVERFITTING, PLAIN) == "tricks=[diffaugment]"
    assert remedy(OVERFITTING, PLAIN._replace(points=True)) == "tricks=[instance_noise]"
    assert "NonSaturating" in remedy(VANISHING, PLAIN._replace(saturating=True))
    # minibatch discrimination mixes the pictures whose slopes a penalty takes apart
    assert "lr" in remedy(COLLAPSE, PLAIN._replace(slopes=True))


def test_a_trick_that_is_there_already_is_not_advised_again() -> None:
    noisy = PLAIN._replace(overrides=["tricks=[instance_noise,diffaugment]"])
    assert remedy(OVERPOWERING, noisy) == "optimizer.discriminator.lr=5e-05"
    assert remedy(OVERFITTING, noisy) == "optimizer.discriminator.lr=5e-05"


RUNS = {
    "dcgan": PLAIN._replace(overrides=["model=dcgan", *NARROW]),
    "minimax": PLAIN._replace(
        overrides=["model=dcgan", *NARROW, "model.loss._target_=gan_cli.games.losses.Minimax"],
        saturating=True,
    ),
    "wgan_gp": PLAIN._replace(overrides=["model=wgan_gp", *NARROW], slopes=True),
    "ring": PLAIN._replace(overrides=["model=vanilla", "data=gaussians"], points=True),
}


@pytest.mark.parametrize(("run", "symptom"), itertools.product(RUNS, SYMPTOMS))
def test_every_command_trains(gan_train: Command, run: str, symptom: Symptom) -> None:
    said = advise(symptom, RUNS[run]).partition("gan-train ")[2]
    result = gan_train(*shlex.split(said), *TINY, "trainer.steps=2", "trainer.sample_every=0")
    assert result.code == 0, result.err
