"""The studies run: a few steps of them."""

import pytest
import torch
from PIL import Image

from benchmarks import modes


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
