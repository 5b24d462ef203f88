"""A dry run says what a run takes, and leaves nothing."""

import re
from pathlib import Path

import pytest

from gan_cli.runs import forecast
from tests.conftest import NARROW, TINY, Command


def test_a_dry_run_says_what_a_run_takes(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(forecast, "MOST", 2)
    given = ["model=dcgan", "data=digits", *TINY, *NARROW, "trainer.steps=1000"]
    result = gan_train(*given, "trainer.dry_run=true", "trainer.checkpoint_every=100")
    assert result.code == 0
    assert not result.folder.exists()
    assert list(tmp_path.iterdir()) == []
    assert "parameters: discriminator 2,464, generator 27,824" in result.out
    assert re.search(
        r"a step: [\d.e-]+ s, 16 real images \([\d,]+ a second\), [\d.]+ GFLOP", result.out
    )
    assert re.search(r"the run: 1,000 steps, [\d.]+ \w+ of training, 250 epochs of 64", result.out)
    assert re.search(r"on disk: 3 checkpoints of [\d.]+ MiB", result.out)
    assert "500 reports" in result.out


def test_minutes_become_steps(gan_train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "MOST", 2)
    monkeypatch.setattr(forecast, "_time_steps", lambda trainer: trainer.play() and 0.5)
    result = gan_train(
        "model=vanilla", "data=gaussians", "trainer.minutes=1", "trainer.dry_run=true"
    )
    assert "the run: 120 steps, 60 seconds of training" in result.out
