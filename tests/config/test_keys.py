"""Signatures as help says them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Gt, Lt

from gan_cli import ranges
from gan_cli.config.keys import children, find_key
from gan_cli.config.schema import Settings
from gan_cli.config.words import in_words, said_of
from gan_cli.games.losses import Loss
from gan_cli.games.two_player import TwoPlayer


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (bool, "true or false"),
        (ranges.Count, "a whole number (1 or more)"),
        (ranges.Positive, "a number (above 0)"),
        (ranges.Probability, "a number (from 0 to 1)"),
        (ranges.Momentum, "a number (from 0 to below 1)"),
        (ranges.LayerCount | None, "a whole number (from 1 to 64) or null"),
        (Annotated[float, Gt(0), Lt(0.5)], "a number (above 0 and below 0.5)"),
        (Annotated[float, Lt(3)], "a number (below 3)"),
        (Literal["a", "b", "c"], "a, b or c"),
        (Literal[1, 3], "1 or 3"),
        (list[str], "a list of names"),
        (Sequence[ranges.Count] | None, "a list of whole numbers (1 or more) or null"),
        (tuple[ranges.Momentum, ranges.Momentum], "[2 values], each a number (from 0 to below 1)"),
        (Loss, "a Loss: its _target_ names the class"),
        (dict[str, int], "a group of keys"),
        (Any, ""),
    ],
)
def test_a_type_in_words(wanted: Any, said: str) -> None:
    assert in_words(wanted) == said


def test_a_docstring_of_an_argument() -> None:
    assert said_of(TwoPlayer, "n_critic") == "D's turns per G's turn."
    assert said_of(TwoPlayer, "nothing") == ""


PLAIN = {
    "trainer": {"steps": 5},
    "data": {"_target_": "gan_cli.data.digits.Digits", "limit": None},
    "optimizer": {
        "_target_": "torch.optim.Adam",
        "lr": 1e-3,
        "schedule": {"_target_": "gan_cli.engine.schedules.Linear"},
        "generator": {"lr": 1e-4},
    },
    "tricks": {"r1": {"_target_": "gan_cli.tricks.penalties.R1"}},
    "ema": {"_target_": "gan_cli.engine.ema.EMA"},
}


@pytest.mark.parametrize(
    ("key", "takes"),
    [
        ("trainer.on_nan", "stop, skip or rollback"),
        ("data.limit", "a whole number (1 or more) or null"),
        ("data.batch_size", "a whole number (1 or more)"),
        ("optimizer.lr", "a number (above 0)"),
        ("optimizer.generator.lr", "a number (above 0)"),
        ("optimizer.schedule.start", "a number (from 0 to 1)"),
        ("tricks.r1.every", "a whole number (1 or more)"),
        ("tricks.r1.on", "a list of names or null"),
        ("ema.warm_up", "true or false"),
    ],
)
def test_what_a_key_takes(key: str, takes: str) -> None:
    found = find_key(Settings, PLAIN, key)
    assert found is not None
    assert found.takes == takes


@pytest.mark.parametrize("key", ["nothing", "trainer.nothing", "data.dataset", "tricks.r1.trick"])
def test_keys_that_are_none(key: str) -> None:
    assert find_key(Settings, PLAIN, key) is None


def test_a_section_takes_what_its_class_takes() -> None:
    found = find_key(Settings, PLAIN, "data")
    assert found is not None
    known = children(found.wanted, PLAIN["data"])
    assert {"split", "limit", "batch_size", "flip"} <= known.keys()
    assert "dataset" not in known
