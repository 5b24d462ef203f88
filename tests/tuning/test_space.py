"""What a search varies is read from YAML, and every mistake in it is said."""

from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from gan_cli.errors import UserError
from gan_cli.tuning.space import override, read_space


def test_lists_are_choices_and_pairs_of_numbers_ranges() -> None:
    space = {
        "optimizer": {"generator": {"lr": {"low": 1e-5, "high": 0.01, "log": True}}},
        "model": {"latent_dim": {"low": 8, "high": 64}},
        "tricks": [[], ["r1", "ada"]],
        "loss": ["hinge", "wasserstein"],
    }
    found = {d.key: d.distribution for d in read_space(space)}
    assert found == {
        "optimizer.generator.lr": FloatDistribution(1e-5, 0.01, log=True),
        "model.latent_dim": IntDistribution(8, 64),
        "tricks": CategoricalDistribution(["[]", "[r1,ada]"]),
        "loss": CategoricalDistribution(["hinge", "wasserstein"]),
    }
    assert override("tricks", "[r1,ada]") == "tricks=[r1,ada]"
    assert override("data.flip", True) == "data.flip=true"


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "search.space: nothing is searched"),
        ({"loss": ["hinge"]}, "search.space.loss: one choice is none"),
        ({"loss": "hinge"}, "search.space.loss: 'hinge' is neither"),
        ({"lr": {"low": 1.0}}, "search.space.lr: a range has two numbers"),
        ({"lr": {"low": "1e-4", "high": 1}}, "write 1.0e-4"),
        ({"lr": {"low": 2, "high": 1}}, "low has to be less"),
        ({"lr": {"low": 0, "high": 1, "log": True}}, "a range above 0"),
        ({"lr": {"low": 0, "high": 1, "step": 0.1}}, "step: a range has low, high and log"),
    ],
)
def test_mistakes_are_named(space: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said.replace("[", r"\[")):
        read_space(space)
