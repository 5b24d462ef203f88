"""The study of quality: what it measures, and that it goes on where it was cut off."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import yaml

from benchmarks import common, quality, quality_report
from benchmarks.quality_marks import Clock, Job
from gan_cli.errors import UserError
from gan_cli.metrics import classifier
from tests.conftest import NARROW, REPOSITORY

POINTS = (
    "model=vanilla data=gaussians data.batch_size=16 model.generator.hidden=[8] "
    "model.discriminator.hidden=[8] data.limit=200"
)


@pytest.fixture
def study(tmp_path):
    """Calls it with runs and results in `tmp_path`, and returns the records of all runs."""

    def call(*arguments, out="study", runs="runs"):
        common_arguments = ["--count", "20", "--out", str(tmp_path / out)]
        quality.main([*common_arguments, "--runs", str(tmp_path / runs), *arguments])
        return json.loads((tmp_path / f"{out}.json").read_text())

    return call


@pytest.fixture
def no_training(monkeypatch):
    """From now on, nothing may be trained."""

    def forbid():
        monkeypatch.setattr(common, "open_trainer", None)

    return forbid


def test_images_are_measured_as_gan_evaluate_measures_them(
    study, tmp_path, gan_evaluate, monkeypatch
):
    train = classifier.train
    monkeypatch.setattr(classifier, "train", lambda *given: train(*given, steps=2))
    tiny = " ".join([*NARROW, "data.limit=100", "data.batch_size=16"])
    (record,) = study("--with", tiny, "--recipe", "a:", "--steps", "2", "4")
    assert [(mark["mark"], mark["step"], mark["images"]) for mark in record["marks"]] == [
        (2, 2, 32),
        (4, 4, 64),
    ]
    run = tmp_path / "runs" / "a-0"
    assert gan_evaluate(f"checkpoint={run}", "count=20", "device=cpu").code == 0
    there = {v["name"]: v for v in json.loads((run / "evaluation.json").read_text())["metrics"]}
    found = record["marks"][-1]["metrics"]
    for name, value in there.items():
        assert found[name] == pytest.approx(value["value"]), name
        if value["held_out"] is not None:
            assert record["marks"][-1]["held_out"][name] == pytest.approx(value["held_out"])
    assert 50 < found["dark_half"] < 200  # a G that has learned nothing makes gray
    assert found["dark_half"] > record["marks"][-1]["held_out"]["dark_half"]
    assert (run / "step-00000004.png").is_file()


def test_a_study_leaves_a_table_curves_and_all_values(study, tmp_path, no_training):
    recipes = tmp_path / "recipes.yaml"
    recipes.write_text(yaml.safe_dump({"plain": "", "r1": "tricks=[r1] tricks.r1.weight=1"}))
    order = ["--recipes", str(recipes), "--with", POINTS, "--steps", "3", "6", "--seeds", "0", "1"]
    records = study(*order)
    assert [(r["job"]["recipe"], r["job"]["seed"]) for r in records] == [
        *(("plain", 0), ("r1", 0), ("plain", 1), ("r1", 1))
    ]
    assert "tricks.r1.weight=1" in records[1]["job"]["overrides"]
    page = (tmp_path / "study.md").read_text()
    rows = [line.split(" | ")[:3] for line in page.splitlines() if line.startswith("| ")]
    assert rows[0] == ["| recipe", "steps", "seeds"]
    assert rows[1:-1] == [[f"| {r}", m, "2"] for r in ("plain", "r1") for m in ("3", "6")]
    assert rows[-1][0] == "| held-out reals"
    assert (tmp_path / "study.png").stat().st_size > 10_000

    # what is there is not trained again, and the rest of a page stays
    no_training()
    (tmp_path / "study.md").write_text(f"before\n{page}\nafter\n")
    assert study(*order) == records
    assert (tmp_path / "study.md").read_text() == f"before\n{page}\nafter\n"


def test_other_settings_are_trained_anew(study):
    order = ["--with", POINTS, "--steps", "2"]
    (first,) = study(*order, "--recipe", "a: optimizer.lr=1e-3")
    (other,) = study(*order, "--recipe", "a: optimizer.lr=1e-2")
    assert "optimizer.lr=1e-2" in other["job"]["overrides"]
    assert first["marks"][0]["metrics"] != other["marks"][0]["metrics"]


def test_a_recipe_that_breaks_keeps_no_other_from_its_turn(study, tmp_path):
    broken, sound = study(
        *("--with", POINTS, "--steps", "3", "6"),
        *("--recipe", "broken: optimizer=sgd optimizer.lr=1e30", "sound:"),
    )
    assert broken["marks"] == []
    assert "not finite" in broken["failed"]
    assert len(sound["marks"]) == 2
    assert "| broken | 3 | 0, 1 failed |" in (tmp_path / "study.md").read_text()


def test_a_bad_recipe_ends_the_study_in_one_line(study, tmp_path, capsys):
    order = ["--with", POINTS, "--steps", "2", "--recipe", "sound:"]
    for mistake, key in (("+optimizer.ls=1", "optimizer.ls"), ("data.size=32", "data.size")):
        with pytest.raises(SystemExit) as ended:
            study(*order, f"my own: {mistake}")
        assert ended.value.code == 2
        assert re.fullmatch(rf"my own: {key}: no such key.*\n", capsys.readouterr().err)
    assert not (tmp_path / "runs").exists()  # it was seen before the sound one was trained
    (tmp_path / "bad.yaml").write_text("a: [1]\n")
    with pytest.raises(UserError, match=r"bad\.yaml: should hold `name: overrides`"):
        quality.read_recipes(tmp_path / "bad.yaml", [])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_study_goes_on_where_it_was_cut_off(study, tmp_path, number):
    order = ["--with", f"{POINTS} trainer.checkpoint_every=20", "--recipe", "a:"]
    order += ["--steps", "30", "300"]
    (whole,) = study(*order, out="whole", runs="whole")

    order += ["--count", "20", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "study")]
    record = tmp_path / "runs" / "a-0" / "quality.json"
    command = [sys.executable, REPOSITORY / "benchmarks" / "quality.py", *order]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        while not (record.is_file() and json.loads(record.read_text())["marks"]):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        process.send_signal(number)
        process.wait()
    cut_off = json.loads(record.read_text())
    assert len(cut_off["marks"]) == 1

    (resumed,) = study(*order)
    assert resumed["marks"][0] == cut_off["marks"][0]  # not measured again
    for mark, other in zip(resumed["marks"], whole["marks"], strict=True):
        assert mark["step"] == other["step"]
        assert mark["metrics"] == other["metrics"]


def test_minutes_of_cores_are_not_those_of_the_wall(monkeypatch):
    """A step that takes 3 s, of which the CPU works 1 s."""
    now = {"wall": 0.0, "cpu": 0.0}

    def play():
        trainer.seconds += 3.0
        now["wall"], now["cpu"] = now["wall"] + 3.0, now["cpu"] + 1.0
        return "batch"

    monkeypatch.setattr(time, "monotonic", lambda: now["wall"])
    monkeypatch.setattr(time, "process_time", lambda: now["cpu"])
    for rules, seconds in ((True, 2.0), (False, 6.0)):
        trainer = SimpleNamespace(seconds=0.0, play=play)
        clock = Clock(trainer, rules)
        assert [trainer.play(), trainer.play()] == ["batch", "batch"]
        assert (clock.wall, clock.cores, trainer.seconds) == (6.0, 2.0, seconds)


def test_a_run_is_measured_by_its_own_clock():
    run = SimpleNamespace(step=500, seconds=90.0)
    marks = (1.0, 1.5, 2.0)
    assert Job("a", 0, (), "minutes", marks, 20).reached(run) == 2
    assert Job("a", 0, (), "core-minutes", marks, 20).reached(run) == 2
    assert Job("a", 0, (), "steps", (100.0, 500.0, 501.0), 20).reached(run) == 2


def test_the_table_shows_the_spread_over_seeds():
    assert quality_report.spread([]) == ""
    assert quality_report.spread([4.25]) == "4.25"
    assert quality_report.spread([1.0, 2.0, 6.0]) == "3 (1 to 6)"
