"""The table of speeds: what is measured, what is kept, what stands on the page."""

import json

import pytest
import torch
from PIL import Image

from benchmarks import bench, scaling, textbook
from gan_cli.assembly.flops import count_flops
from tests.conftest import NARROW

SMALL = ["data.limit=64", *NARROW]


def test_one_cell(capsys):
    cell = ["--one", "dcgan 16", "--batches", "8", "--rounds", "1", "--device", "cpu", "--"]
    bench.main([*cell, *SMALL])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["ms"] > 0 < found["textbook_ms"]
    assert 0 < found["share_of_limit"] < 1.5
    assert 0 < found["gflop"] < 1
    assert found["share_of_limit"] == pytest.approx(
        found["gflop"] / (found["ms"] / 1e3) / found["limit_gflops"]
    )


def test_a_study_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    measured = []

    def measure_apart(name, batch, given):
        measured.append((name, batch))
        overrides = bench.overrides_of(name, batch, given.device, given.overrides)
        figures = {"ms": 10.0, "textbook_ms": 20.0, "ratio": 2.0, "share_of_limit": 0.5}
        more = {"images_per_second": 6400.0, "textbook_images_per_second": 3200.0, "rounds": 5}
        rest = {"peak_mib": 100.0, "first_step_s": 3.5}
        return {"cell": name, "batch": batch, "overrides": overrides} | figures | more | rest

    monkeypatch.setattr(bench, "measure_apart", measure_apart)
    page, file = tmp_path / "page.md", tmp_path / "bench.json"
    page.write_text(f"before\n{bench.START}\nold\n{bench.END}\nafter\n")
    order = ["--json", str(file), "--device", "cpu", "--batches", "64"]
    bench.main([*order, "--cells", "vanilla"])
    bench.main([*order, "--cells", "dcgan 1", "vanilla", "--page", str(page)])
    assert measured == [("vanilla 28", 64), ("dcgan 16", 64)]
    bench.main([*order, "--cells", "vanilla", "--anew"])
    bench.main([*order, "--cells", "vanilla", "--", "trainer.precision=bf16"])
    assert measured[2:] == [("vanilla 28", 64)] * 2
    text = page.read_text()
    assert text.startswith(f"before\n{bench.START}\n")
    assert text.endswith(f"{bench.END}\nafter\n")
    assert "| dcgan 16 | 64 | 6400 | 3200 | 2.00 | 50% | 100 | 3.5 |" in text
    assert "old" not in text


def test_floating_point_operations_of_a_gradient_of_a_gradient():
    """x W^T has 2 * 3 * 4 * 5; so has d/dx, whose own gradients have twice that or less."""
    linear, x = torch.nn.Linear(5, 4, bias=False), torch.randn(3, 5, requires_grad=True)

    def step():
        (slope,) = torch.autograd.grad(linear(x).square().sum(), x, create_graph=True)
        slope.square().sum().backward()

    assert count_flops(lambda: linear(x)) == 120
    assert count_flops(step) >= 4 * 120


def test_the_slope_of_a_linear_critic():
    """D(x) = 3 sum(x) on 4 numbers: |3, 3, 3, 3|^2 / 2 = 18."""

    class Critic(torch.nn.Module):
        def forward(self, x, label):
            return 3 * x.flatten(1).sum(1), None

    assert float(textbook.slope(Critic(), torch.randn(5, 1, 2, 2), None)) == pytest.approx(18.0)


def test_scaling(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scaling, "BASE", {"batch": 4, "width": 4, "size": 8})
    out = tmp_path / "deep" / "scaling"
    order = ["--rounds", "1", "--device", "cpu", "--out", str(out)]
    scaling.main([*order, "--axes", "batch", "--values", "4", "8"])
    points = json.loads(out.with_suffix(".json").read_text())["points"]
    assert [p["value"] for p in points] == [4, 8]
    assert points[1]["gflop"] == pytest.approx(2 * points[0]["gflop"], rel=0.05)
    with monkeypatch.context() as patch:
        patch.setattr(scaling, "measure", None)  # what is there is not measured again
        scaling.main([*order, "--axes", "batch", "--values", "4"])
    with Image.open(out.with_suffix(".png")) as image:
        assert image.size == (450, 360)
