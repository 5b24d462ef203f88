"""curves.png: what is read from metrics.jsonl, and on which panel it comes."""

import json
import math
from pathlib import Path

from gan_cli.sinks.curves import arrange, read_curves
from gan_cli.viz.charts import Curve


def written(path: Path, *lines: dict[str, object] | str) -> Path:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return path


def test_every_scalar_is_a_curve(tmp_path: Path) -> None:
    path = written(
        tmp_path / "metrics.jsonl",
        {"step": 2, "seconds": 0.1, "loss/D/adversarial": 1.5},
        {"step": 4, "seconds": 0.2, "loss/D/adversarial": 1.25, "metric/fid": 70},
    )
    assert read_curves(path) == {
        "loss/D/adversarial": Curve([2, 4], [1.5, 1.25]),
        "metric/fid": Curve([4], [70]),
    }


def test_where_a_run_went_back_the_way_it_took_then_counts(tmp_path: Path) -> None:
    lines = [{"step": s, "a/b": v} for s, v in ((2, 0), (4, 1), (6, 2), (4, 3), (6, 4))]
    found = read_curves(written(tmp_path / "metrics.jsonl", *lines))
    assert found == {"a/b": Curve([2, 4, 6], [0, 3, 4])}


def test_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    path = written(
        *(tmp_path / "metrics.jsonl", {"step": 2, "a/b": math.nan, "a/c": math.inf, "a/d": "x"}),
        *({"step": 4, "a/b": math.nan, "a/c": 1.0, "a/d": None}, '{"step": 6, "a/', "[]", "7", ""),
    )
    found = read_curves(path)
    assert list(found) == ["a/c"]
    assert found["a/c"].values == [math.inf, 1.0]


def test_no_file_and_an_empty_one_have_no_curves(tmp_path: Path) -> None:
    assert read_curves(tmp_path / "metrics.jsonl") == {}
    assert read_curves(written(tmp_path / "metrics.jsonl")) == {}
    assert list(arrange({})) == []


def test_scales_are_kept_apart() -> None:
    names = [
        *("loss/D/adversarial", "loss/D/r1", "loss/G/adversarial", "score/real", "score/fake"),
        *("grad_norm/D", "grad_norm/G", "lr/D", "speed/images_per_second"),
        *("metric/fid", "metric/recall", "health/accuracy", "health/overlap", "health/distance"),
    ]
    values = {"health/distance": [0.5, 3.0], "health/overlap": [1.0, math.nan]}
    panels = list(arrange({n: Curve([1, 2], values.get(n, [0.0, 1.0])) for n in names}))
    assert {p.title: list(p.curves) for p in panels} == {
        "Losses": ["D adversarial", "D r1", "G adversarial"],
        "Scores of D": ["real", "fake"],
        "Gradients": ["D", "G"],
        "metric/fid": ["metric/fid"],
        "metric/recall": ["metric/recall"],
        "health/distance": ["health/distance"],
        "Health": ["accuracy", "overlap"],
    }
    assert [p.title for p in panels if p.log] == ["Gradients"]
    assert [p.title for p in panels if p.limits] == ["Health"]


def test_a_player_has_one_color_and_scores_have_others() -> None:
    names = [
        *("grad_norm/D", "grad_norm/G", "loss/D/adversarial", "loss/D/r1", "loss/G/adversarial"),
        *("score/fake", "score/real"),
    ]
    panels = {p.title: p.curves for p in arrange({n: Curve([1], [0.0]) for n in names})}
    colors = {n: c.color for curves in panels.values() for n, c in curves.items()}
    assert colors["D adversarial"] == colors["D"] != colors["G"] == colors["G adversarial"]
    assert colors["D r1"] is None
    assert len({colors[name] for name in ("D", "G", "real", "fake")}) == 4
