"""Means of scalars."""

import torch

from gan_cli.engine.meter import Meter


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


def test_scalars_may_come_now_and_then() -> None:
    meter = Meter()
    for step in range(4):
        later = {"b": torch.tensor(float(step))} if step % 2 else {}
        meter.add({"a": torch.tensor(2.0, dtype=torch.bfloat16)} | later)
    assert meter.read() == {"a": 2.0, "b": 2.0}
