import math

import pytest

from gan_cli.comparison.records import UNFINISHED, read_record
from gan_cli.errors import UserError
from tests.comparison.run_folders import add_grid, evaluation, summary, write_run

REPORTS = [
    {"step": 50, "images": 800, "metric/fid": 40.0, "loss/D/adversarial": 1.0},
    {"step": 60, "images": 960, "loss/D/adversarial": 1.1},
    {"step": 100, "images": 1600, "metric/fid": 30.0, "loss/D/adversarial": 1.2},
    {"step": 110, "images": 1760, "loss/D/adversarial": 1.3},
]


def read(folder):
    return read_record(folder, folder.name)


def test_a_finished_run(tmp_path):
    run = write_run(
        tmp_path / "a",
        reports=REPORTS[:3],
        summary=summary(),
        evaluation=evaluation(fid=29.0),
        chosen=["+seed=0", "model=dcgan", "~x"],
    )
    record = read(run)
    assert (record.ended, record.step) == ("finished", 100)
    assert record.metrics == {"metric/fid": [(50, 40.0), (100, 30.0)]}
    assert record.scalars["loss/D/adversarial"] == 1.25
    assert record.evaluation["metrics"][0]["value"] == 29.0
    assert record.chosen == {"seed", "model", "x"}


def test_a_running_run_may_have_half_a_line(tmp_path):
    run = write_run(tmp_path / "a", reports=REPORTS)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 120, "metric/fid": 2')
    record = read(run)
    assert (record.ended, record.step) == (UNFINISHED, 110)
    assert record.metrics["metric/fid"][-1] == (100, 30.0)
    assert record.scalars["loss/D/adversarial"] == 1.3


def test_a_resumed_run_is_not_what_its_first_part_came_to(tmp_path):
    record = read(write_run(tmp_path / "a", reports=REPORTS, summary=summary(step=100)))
    assert (record.ended, record.step) == (UNFINISHED, 110)
    assert record.scalars["loss/D/adversarial"] == 1.3


def test_a_run_that_has_only_begun(tmp_path):
    record = read(write_run(tmp_path / "a"))
    assert (record.ended, record.step) == (UNFINISHED, None)
    assert (record.grids(), record.sheets(), record.curves()) == ({}, {}, {})


def test_nan_is_a_number(tmp_path):
    reports = [{"step": 1, "metric/fid": math.nan}, {"step": 2}]
    ((_, value),) = read(write_run(tmp_path / "a", reports=reports)).metrics["metric/fid"]
    assert math.isnan(value)


def test_its_pictures(tmp_path):
    run = write_run(tmp_path / "a")
    for step in (9, 999_999_999, 1_000_000_000):  # more digits than the name has room for
        add_grid(run, step)
    for name in ("curves.png", "real_and_fake.png", "training.gif", "samples/mine.png"):
        (run / name).write_bytes(b"")
    found = read(run)
    assert list(found.grids()) == [9, 999_999_999, 1_000_000_000]
    assert found.grids()[9].name == "step-00000009.png"
    assert {name: path.name for name, path in found.sheets().items()} == {
        "real_and_fake": "real_and_fake.png"
    }


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.yaml", "a: [1", "config.yaml:1: not YAML"),
        ("config.yaml", "a: \0", "config.yaml: not YAML"),
        ("config.yaml", "just text", "config.yaml: holds no keys and values; fix it"),
        ("config.yaml", "", "config.yaml: holds no keys and values; fix it"),
        (".hydra/overrides.yaml", "[", "overrides.yaml:1: not YAML"),
        ("summary.json", '{"step": ', "summary.json:1: not JSON; fix or delete"),
        ("summary.json", "", "summary.json:1: not JSON; fix or delete"),
        ("summary.json", "[]", "summary.json: holds no keys and values; fix or delete"),
        ("summary.json", "[" * 100_000, "summary.json:1: not JSON"),
        ("evaluation.json", "{", "evaluation.json:1: not JSON"),
        ("evaluation.json", '{"metrics": [1]}', "evaluation.json: its metrics should be"),
        ("evaluation.json", '{"metrics": [{"value": 1}]}', "evaluation.json: its metrics should"),
        ("metrics.jsonl", '{"metric/fid"\n{}\n{}\n{}\n', "metrics.jsonl:1: not JSON; delete this"),
    ],
)
def test_a_broken_file_is_named(tmp_path, file, content, said):
    run = write_run(tmp_path / "a", chosen=[])
    (run / file).write_text(content)
    with pytest.raises(UserError) as raised:
        read(run)
    (problem,) = raised.value.problems
    assert said in problem
    assert "\n" not in problem


def test_bytes_that_are_no_text(tmp_path):
    run = write_run(tmp_path / "a")
    (run / "summary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"summary.json: is not text"):
        read(run)
