"""The studies run: a few steps of them."""

import json

import pytest
import torch
from PIL import Image

from benchmarks import alarms, health, modes
from tests.conftest import NARROW, TINY


def test_modes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, page = tmp_path / "docs" / "study", tmp_path / "docs" / "study.md"
    order = f"--out {out} --steps 2 --seeds 1 --remedies r1 --datasets grid".split()
    modes.main(order)
    assert "| grid of 25 | `r1` | 1 | " in page.read_text()
    with Image.open(tmp_path / "docs" / "study-grid.png") as picture:
        assert len(picture.convert("L").getcolors()) > 50  # not an empty sheet

    monkeypatch.setattr(modes.run, "train", None)  # what is there is not trained again
    page.write_text(f"before\n{modes.START}\nold\n{modes.END}\nafter\n")
    modes.main(order)
    assert page.read_text().startswith(f"before\n{modes.START}\n| data |")
    assert page.read_text().endswith(f" |\n{modes.END}\nafter\n")
    with pytest.raises(TypeError):  # other settings are
        modes.main([*order, "--steps", "3"])


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
        figures = {"figures": [{"name": "class_kl", "value": kl}]}
        (folder / "evaluation.json").write_text(json.dumps(figures))
    page = tmp_path / "page.md"
    alarms.main(["--out", str(page), "--runs", str(tmp_path), "--seeds", "7"])
    text = page.read_text()
    assert "| mode collapse | 1 of 1 | 0 of 1 |" in text
    assert "| overfitting D | 0 of 2 | 0 of 0 |" in text
    assert "| one class | 7 | 2.30 | mode collapse | mode collapse |" in text
    assert "| ten classes | 7 | 0.10 |  | mode collapse |" in text


def test_every_kind_of_run_composes(gan_train):
    for name, kind in alarms.KINDS.items():
        small = [*kind.overrides.split(), *TINY, "trainer.steps=1", "trainer.sample_every=0"]
        last = {item.partition("=")[0]: item for item in small}  # of a key given twice
        result = gan_train(*last.values(), folder=name)
        assert result.code == 0, (name, result.err)


def test_the_cost_of_health_is_a_share(capsys):
    health.main(["--rounds", "1", *NARROW, "data.limit=64", "data.batch_size=16"])
    said = capsys.readouterr().out
    share = float(said.partition("health takes ")[2].partition("%")[0])
    assert 0 < share < 100
