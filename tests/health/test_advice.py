"""Advice is a command that can be copied, and that composes and trains."""

import itertools
import shlex

import pytest

from gan_cli.health.advice import RunFacts, advise, command, remedy
from gan_cli.health.symptoms import (
    COLLAPSE,
    OVERFITTING,
    OVERPOWERING,
    SYMPTOMS,
    VANISHING,
    Symptom,
)
from tests.conftest import NARROW, TINY, Command

PLAIN = RunFacts([], penalty=False, points=False, saturating=False, lr=2e-4)


def test_the_command_is_the_one_given_and_a_trick_more() -> None:
    given = ["model=dcgan", "data.root=my images", "tricks=[r1,instance_noise]"]
    assert shlex.split(command(given, "tricks=[diffaugment]")) == [
        *("gan-train", "model=dcgan", "data.root=my images"),
        "tricks=[r1,instance_noise,diffaugment]",
    ]
    assert command([], "tricks=[diffaugment]") == "gan-train 'tricks=[diffaugment]'"


def test_a_key_that_was_given_is_replaced() -> None:
    given = ["++optimizer.discriminator.lr=1e-3", "seed=1"]
    assert command(given, "optimizer.discriminator.lr=2e-4") == (
        "gan-train seed=1 optimizer.discriminator.lr=2e-4"
    )


def test_another_loss_leaves_nothing_of_the_one_before() -> None:
    given = ["loss=minimax", "loss.some_key=2", "loss_like=1"]
    assert command(given, "loss=non_saturating") == "gan-train loss_like=1 loss=non_saturating"


def test_there_is_no_advice_for_other_players() -> None:
    assert all(advise(symptom, PLAIN._replace(lr=None)) == "" for symptom in SYMPTOMS)


def test_remedies_fit_the_run() -> None:
    assert remedy(OVERFITTING, PLAIN) == "tricks=[diffaugment]"
    assert remedy(OVERFITTING, PLAIN._replace(points=True)) == "tricks=[instance_noise]"
    assert remedy(VANISHING, PLAIN._replace(saturating=True)) == "loss=non_saturating"
    # minibatch discrimination mixes the images whose gradients a penalty takes apart
    assert remedy(COLLAPSE, PLAIN._replace(penalty=True)) == "optimizer.discriminator.lr=5e-05"


def test_a_trick_that_is_there_already_is_not_advised_again() -> None:
    noisy = PLAIN._replace(overrides=["tricks=[instance_noise,diffaugment]"])
    assert remedy(OVERPOWERING, noisy) == "optimizer.discriminator.lr=5e-05"
    assert remedy(OVERFITTING, noisy) == "optimizer.discriminator.lr=5e-05"


RUNS = {
    "dcgan": PLAIN._replace(overrides=["model=dcgan", *NARROW]),
    "minimax": PLAIN._replace(
        overrides=["model=dcgan", *NARROW, "loss=minimax"],
        saturating=True,
    ),
    "wgan_gp": PLAIN._replace(overrides=["model=wgan_gp", *NARROW], penalty=True),
    "ring": PLAIN._replace(overrides=["model=vanilla", "data=gaussians"], points=True),
}


@pytest.mark.parametrize(("run", "symptom"), itertools.product(RUNS, SYMPTOMS))
def test_every_command_trains(gan_train: Command, run: str, symptom: Symptom) -> None:
    said = advise(symptom, RUNS[run]).partition("gan-train ")[2]
    result = gan_train(*shlex.split(said), *TINY, "trainer.steps=2", "trainer.sample_every=0")
    assert result.code == 0, result.err
