"""gan-tune as it is typed: what is refused before the first trial, and what is left in the end."""

import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from gan_cli.cli.composed import hydra_over
from gan_cli.paths import conf_folder
from gan_cli.tuning import process
from tests.conftest import Command

PRETEND = Path(__file__).parents[1] / "tuning" / "pretend.py"


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "COMMAND", [sys.executable, "-S", str(PRETEND)])
    monkeypatch.setattr(process, "POLL", 0.02)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["search.trails=3"], "gan-tune: search.trails: no such key; did you mean trials?"),
        (["trainer.stepz=3"], "gan-tune: trainer.stepz: no such key"),
        (["search.space.optimizer.generator.lr.low=-1"], "log: true takes a range above 0"),
        (["trainer.minutes=4"], "trainer.evaluate_every: give it, in steps"),
        (["resume=x"], "the same command, with the same search.folder"),
        (["search.metric=loss/G/adversarial"], "give search.direction=minimize or"),
        (["data.limit=0"], "data.limit"),
        (["-m"], "-m: a search chooses values itself"),
    ],
)
def test_mistakes_come_out_before_the_first_trial(
    gan_tune: Command, given: list[str], said: str
) -> None:
    result = gan_tune(*given)
    assert result.code == 2
    assert said in result.err
    assert not list(result.folder.rglob("trials"))


def test_the_best_becomes_an_experiment(gan_tune: Command, pretend: None) -> None:
    typed = ["model=dcgan", "data=digits", "tricks=[r1]", "trainer.steps=100"]
    result = gan_tune(
        *typed, "search.trials=3", "search.folder=found", "model.discriminator.normalization=none"
    )
    assert result.code == 0, result.err
    best = result.folder.parent / "found" / "experiment" / "best.yaml"
    assert "gan-train --config-dir" in best.read_text()
    assert (result.folder.parent / "found" / "report.html").exists()
    from hydra import compose

    with hydra_over([conf_folder(), result.folder.parent / "found"]):
        config = compose("train", ["experiment=best"])
        plain = compose("train", [*typed, "model.discriminator.normalization=none"])
    found, typed_alone = OmegaConf.to_container(config), OmegaConf.to_container(plain)
    rates = [found["optimizer"].pop(player)["lr"] for player in ("generator", "discriminator")]
    assert all(5e-5 <= rate <= 5e-3 for rate in rates)
    assert found["trainer"].pop("evaluate_every") == 20
    assert typed_alone["trainer"].pop("evaluate_every") == 0
    assert found == typed_alone


@pytest.mark.slow
def test_real_runs(gan_tune: Command) -> None:
    tiny = ["trainer.steps=10", "trainer.log_every=2", "evaluation.count=20", "data.limit=64"]
    given = ["model=vanilla", "data=gaussians", *tiny, "data.batch_size=16", "search.trials=2"]
    result = gan_tune(*given, "search.folder=found")
    assert result.code == 0, result.err
    assert "mode_overlap" in result.out
