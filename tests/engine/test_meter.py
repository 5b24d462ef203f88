"""Means and finite checks."""

import pytest
import torch

from gan_cli.engine.meter import FiniteCheck, Meter


def test_means_since_the_last_reading() -> None:
    meter = Meter()
    meter.add({"a": torch.tensor(1.0), "b": torch.tensor(5.0)})
    meter.add({"a": torch.tensor(3.0)})
    assert meter.read() == {"a": 2.0, "b": 5.0}
    assert meter.read() == {}


def test_what_is_added_is_not_changed() -> None:
    value = torch.tensor(1.0)
    meter = Meter()
    meter.add({"a": value})
    meter.add({"a": value})
    assert value == 1.0


@pytest.mark.parametrize(
    ("value", "good"), [(1.0, True), (float("nan"), False), (float("inf"), False)]
)
def test_finite_check(value: float, good: bool) -> None:
    check = FiniteCheck(torch.device("cpu"))
    check.watch(torch.tensor(value))
    assert check.holds() is good
