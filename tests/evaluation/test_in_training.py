"""`trainer.evaluate_every`: seen in every report that is due, felt by nobody."""

import json
from pathlib import Path
from typing import Any

import pytest

from gan_cli.data.digits import Digits
from gan_cli.evaluation.reference import FEWEST
from gan_cli.games.requests import Drawing, Request
from gan_cli.games.two_player import TwoPlayer
from gan_cli.sinks import checkpoint
from tests.conftest import NARROW, TINY, Command
from tests.data.test_torchvision import mnist_files
from tests.runs.resuming import assert_equal, cut_off

EIGHT = [*TINY, *NARROW, "trainer.steps=8", "trainer.log_every=3", "trainer.checkpoint_every=4"]
LOOKING = ["trainer.evaluate_every=4", "evaluation.count=20"]
POINTS = ["model=vanilla", "data=gaussians", *TINY, "trainer.steps=8", "trainer.evaluate_every=4"]
TIMES = ("seconds", "speed/images_per_second")


pytestmark = pytest.mark.usefixtures("briefly")


def reports(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def final_state(folder: Path) -> dict[str, Any]:
    return checkpoint.load(folder / "checkpoints" / "step-00000008.pt")["state"]


@pytest.mark.parametrize("model", ["dcgan", "cgan_dcgan"])
def test_training_is_the_same_with_and_without(gan_train: Command, model: str) -> None:
    """With BatchNorm in both networks and a running mean, nothing is left behind by a look."""
    looked = gan_train(*EIGHT, *LOOKING, f"model={model}", "trainer.sample_every=2", folder="a")
    plain = gan_train(*EIGHT, f"model={model}", "trainer.health=false", folder="b")
    assert looked.code == plain.code == 0, looked.err + plain.err
    assert_equal(final_state(looked.folder), final_state(plain.folder))
    seen = [any(name.startswith("metric/") for name in line) for line in reports(looked.folder)]
    assert seen == [False, True, False, True]  # steps 3, 4, 6, 8
    names = set().union(*reports(plain.folder))
    assert not {n for n in names if n.startswith(("metric/", "health/d", "health/o"))}


def test_a_resumed_run_reports_the_same(gan_train: Command, tmp_path: Path) -> None:
    whole = gan_train(*EIGHT, *LOOKING)
    part = cut_off(whole.folder, 4, tmp_path / "part")
    assert gan_train(f"resume={part}").code == 0
    for one, other in zip(reports(whole.folder), reports(part), strict=True):
        # the meter starts anew at the checkpoint, so means over an interval cut in two may differ
        kept = [n for n in one if n.startswith(("metric/", "health/d", "health/overfitting"))]
        if one["step"] in (4, 8):
            assert {n: one[n] for n in kept} == {n: other[n] for n in kept}


def test_each_part_of_the_data_is_read_once(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches, evaluation and health share it."""
    parts: list[str] = []
    load = Digits.load
    monkeypatch.setattr(Digits, "load", lambda self: parts.append(self.part) or load(self))
    result = gan_train(*EIGHT, *LOOKING, "data.limit=null")
    assert result.code == 0, result.err
    assert sorted(parts) == ["test", "train"]


def test_the_log_says_how_the_run_does(gan_train: Command) -> None:
    result = gan_train(*EIGHT, *LOOKING)
    assert "step 4: metric/fd_classifier " in result.out
    assert "(best so far)" in result.out


def test_the_best_checkpoint_stays(gan_train: Command) -> None:
    result = gan_train(*POINTS, "trainer.keep_last=1", "trainer.evaluate_every=2")
    assert result.code == 0, result.err
    values = {line["step"]: line["metric/mode_overlap"] for line in reports(result.folder)}
    step = max(values, key=lambda step: (values[step], -step))
    best = checkpoint.load(result.folder / "checkpoints" / "best.pt")
    assert best["state"]["step"] == step
    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["best"] == {
        "step": step,
        "metric/mode_overlap": values[step],
        "checkpoint": "checkpoints/best.pt",
    }


def test_none_is_kept_where_none_is_wanted(gan_train: Command) -> None:
    result = gan_train(*POINTS, "evaluation.best=none")
    assert result.code == 0, result.err
    assert not (result.folder / "checkpoints" / "best.pt").exists()
    assert json.loads((result.folder / "summary.json").read_text())["best"] is None


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("evaluation.best=modes_hits", "evaluation.best=modes_hits: no such metric; did you mean"),
        ("evaluation.best=fid", "evaluation.best=fid: not measured here"),
        ("evaluation.count=3", "evaluation.count=3"),
        ("trainer.evaluate_every=-1", "trainer.evaluate_every=-1"),
        ("trainer.health=maybe", "trainer.health"),
    ],
)
def test_mistakes_are_found_before_training(gan_train: Command, argument: str, said: str) -> None:
    result = gan_train(*POINTS, argument)
    assert (result.code, len(result.problems)) == (2, 1), result.err
    assert said in result.problems[0]
    assert not (result.folder / "metrics.jsonl").exists()


def test_a_generator_of_nan_is_not_measured(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it the best, nor the end: the loss says when to stop."""
    draw = TwoPlayer.draw

    def broken(game: TwoPlayer, request: Request) -> Drawing:
        drawing = draw(game, request)
        if request.count > FEWEST:  # what is drawn before training, to see what will be measured
            drawing.made.fill_(float("nan"))
        return drawing

    monkeypatch.setattr(TwoPlayer, "draw", broken)
    result = gan_train(*POINTS, "evaluation.count=20", "trainer.sample_every=0")
    assert result.code == 0, result.err
    assert "step 4 is not measured" in result.out
    assert not (result.folder / "checkpoints" / "best.pt").exists()


def test_held_out_images_that_are_not_there_cost_a_line(gan_train: Command, tmp_path: Path) -> None:
    """MNIST's training files alone are enough to train on."""
    mnist_files(tmp_path)
    result = gan_train(
        *("data=mnist", f"data.root={tmp_path}", "data.download=false"), *TINY, *NARROW
    )
    assert result.code == 0, result.err
    assert "D is not watched on held-out samples" in result.out
    last = reports(result.folder)[-1]
    assert "health/diversity" in last
    assert "health/overfitting" not in last
