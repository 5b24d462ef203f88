"""The studies run: a few steps of them."""

import json
import re

import pytest
import torch
from PIL import Image

from benchmarks import alarms, common, health, modes
from gan_cli.games import adversary
from tests.conftest import NARROW, TINY


def test_modes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, page = tmp_path / "docs" / "study", tmp_path / "docs" / "study.md"
    order = f"--out {out} --steps 2 --seeds 1 --remedies r1_r2 --datasets grid".split()
    modes.main(order)
    assert "| grid of 25 | `r1_r2` | 1 | " in page.read_text()
    with Image.open(tmp_path / "docs" / "study-grid.png") as image:
        assert len(image.convert("L").getcolors()) > 50  # not an empty sheet
    (run,) = json.loads(out.with_suffix(".json").read_text())["runs"]
    assert (run["dataset"], run["remedy"], run["seed"], run["steps"]) == ("grid", "r1_r2", 0, 2)
    assert 0 <= run["modes_hit"] <= 25

    # what is there is not trained again
    with monkeypatch.context() as patch:
        patch.setattr(modes.runs, "run_training", None)
        page.write_text(f"before\n{modes.START}\nold\n{modes.END}\nafter\n")
        modes.main(order)
        assert page.read_text().startswith(f"before\n{modes.START}\n| data |")
        assert page.read_text().endswith(f" |\n{modes.END}\nafter\n")

    # the same run with other settings is, in place of what was there
    monkeypatch.setitem(modes.REMEDIES, "r1_r2", "tricks=[r1_r2] tricks.r1.weight=2")
    modes.main(order)
    (other,) = json.loads(out.with_suffix(".json").read_text())["runs"]
    assert "tricks.r1.weight=2" in other["overrides"]


def test_a_study_goes_on_with_the_run_that_was_cut_off(tmp_path, monkeypatch):
    job, folder = modes.Job("ring", "gan", 0, 2), tmp_path / "run"
    train = modes.runs.run_training

    def cut_off(*arguments):
        trainer = train(*arguments)
        trainer.outcome = "SIGTERM"
        return trainer

    with monkeypatch.context() as patch:
        patch.setattr(modes.runs, "run_training", cut_off)
        with pytest.raises(SystemExit, match="SIGTERM"):
            modes.points_of(job, folder)
    assert modes.points_of(job, folder).shape == (modes.SAMPLES, 2)


def test_the_table_counts_what_the_points_hit():
    data = modes.gaussians("ring")
    all_hit, one_hit = data.centres, data.centres[:1].repeat(8, 1)
    jobs = [modes.Job("ring", "gan", seed, 2) for seed in (0, 1)]
    table = modes.table(dict(zip(jobs, (all_hit, one_hit), strict=True)))
    kl = torch.tensor(8.0).log() / 2
    assert table.endswith(f"| ring of 8 | `gan` | 2 | 4.5 (1-8) | 1.00 | {kl:.2f} |")


def test_a_remedy_replaces_what_the_setting_says():
    overrides = modes.Job("ring", "wgan_gp", 0, 2).overrides
    rates = [item for item in overrides if item.startswith("optimizer.discriminator.lr=")]
    assert rates == ["optimizer.discriminator.lr=1e-3"]


def test_alarms_are_held_against_what_a_run_is(tmp_path, monkeypatch):
    """Two runs whose samples are all alike; one has collapsed, one has many classes still."""
    kinds = {name: alarms.Kind("") for name in ("one class", "ten classes")}
    monkeypatch.setattr(alarms, "KINDS", kinds)
    alike = {"health/diversity": 0.1, "health/uniqueness": 0.1}
    for name, kl in zip(kinds, (2.3, 0.1), strict=True):
        folder = tmp_path / f"{name.replace(' ', '_')}-7"
        folder.mkdir()
        reports = [{"step": 50 * n, **alike} for n in range(1, 40)]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in reports))
        evaluation = {"metrics": [{"name": "class_kl", "value": kl}]}
        (folder / "evaluation.json").write_text(json.dumps(evaluation))
    page = tmp_path / "page.md"
    alarms.main(["--out", str(page), "--runs", str(tmp_path), "--seeds", "7"])
    text = page.read_text()
    assert "| mode collapse | 1 of 1 | 0 of 1 |" in text
    assert "| overfitting D | 0 of 2 | 0 of 0 |" in text
    assert "| one class | 7 | 2.30 | mode collapse | mode collapse |" in text
    assert "| ten classes | 7 | 0.10 |  | mode collapse |" in text


@pytest.mark.slow
def test_every_kind_of_run_composes(gan_train):
    for name, kind in alarms.KINDS.items():
        small = [*kind.overrides.split(), *TINY, "trainer.steps=1", "trainer.sample_every=0"]
        last = {item.partition("=")[0]: item for item in small}  # of a key given twice
        result = gan_train(*last.values(), folder=name)
        assert result.code == 0, (name, result.err)


class Clock:
    """Stands until something takes time."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def takes(self, call, seconds):
        """`call`, which takes so long."""

        def slow(*arguments, **options):
            self.time += seconds
            return call(*arguments, **options)

        return slow


SMALL = [*NARROW, "data.limit=64", "data.batch_size=16"]


def test_the_cost_of_health(monkeypatch):
    """A step takes 1 s besides the two accuracies of D's turn, 0.1 s each; a look takes 2 s."""
    clock = Clock()
    monkeypatch.setattr(common, "now", clock.now)
    trainer, probe = health.watched_trainer([*SMALL, "trainer.log_every=4"])
    monkeypatch.setattr(trainer, "play", clock.takes(trainer.play, 1.0))
    monkeypatch.setattr(probe, "measure", clock.takes(probe.measure, 2.0))
    monkeypatch.setattr(adversary, "accuracy", clock.takes(adversary.accuracy, 0.1))
    cost = health.measure(trainer, probe, rounds=2)
    assert cost.share == pytest.approx((2.0 + 4 * 2 * 0.1) / 4)
    assert cost.step == pytest.approx(1.0)


def test_the_cost_of_health_is_said(capsys):
    health.main(["--rounds", "1", *SMALL, "trainer.log_every=1"])
    assert re.search(r"health takes \d+\.\d\d% of the time of the steps", capsys.readouterr().out)
