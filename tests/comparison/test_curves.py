"""Curves as a run's metrics.jsonl tells them."""

import json
import math
from pathlib import Path

from gan_cli.comparison.curves import Series, read_curves


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
        "loss/D/adversarial": Series([2, 4], [1.5, 1.25]),
        "metric/fid": Series([4], [70]),
    }


def test_where_a_run_went_back_the_way_it_took_then_counts(tmp_path: Path) -> None:
    lines = [{"step": s, "a/b": v} for s, v in ((2, 0), (4, 1), (6, 2), (4, 3), (6, 4))]
    found = read_curves(written(tmp_path / "metrics.jsonl", *lines))
    assert found == {"a/b": Series([2, 4, 6], [0, 3, 4])}


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
