import pytest

from gan_cli.comparison.columns import build_table
from gan_cli.comparison.records import read_record
from gan_cli.comparison.table import Kind
from tests.comparison.run_folders import config, evaluation, summary, write_run


@pytest.fixture
def table(tmp_path):
    def build(*runs):
        folders = [write_run(tmp_path / str(n), **run) for n, run in enumerate(runs)]
        return build_table([read_record(folder, folder.name) for folder in folders])

    return build


def columns(table):
    return {column.name: column for column in table.columns}


def values(table, name):
    return [cell.value for cell in columns(table)[name].cells]


def test_what_a_finished_run_left(table):
    found = table({"summary": summary(), "evaluation": evaluation(fid=29.5)})
    assert {name: column.cells[0].value for name, column in columns(found).items()} == {
        "run": "0",
        "fid": 29.5,
        "fid.held_out": 1.5,
        "fid.n": 1000,
        "loss/D/adversarial": 1.25,
        "loss/G/adversarial": 0.7,
        "loss/D/slope": 0.1,
        "images_per_second": 250.5,
        "peak_memory_gb": 1.5,
        "step": 100,
        "ended": "finished",
        "seconds": 12.8,
        "parameters.generator": 1234,
        "evaluated.step": 100,
        "evaluated.ema": "true",
        "evaluated.seed": 0,
        "folder": str(columns(found)["folder"].cells[0].value),
    }
    # how a term fares is no measure of the run
    assert columns(found)["loss/D/slope"].kind == Kind.FURTHER


def test_a_running_run_shows_its_last_report(table):
    report = {"step": 7, "images": 70, "speed/images_per_second": 55.0, "loss/D/adversarial": 2.0}
    found = table({"reports": [report]}, {"summary": summary()})
    assert values(found, "step") == [7, 100]
    assert values(found, "ended") == ["running or killed", "finished"]
    assert values(found, "images_per_second") == [55.0, 250.5]
    assert values(found, "loss/D/adversarial") == [2.0, 1.25]
    assert values(found, "seconds") == [None, 12.8]


def test_gan_evaluate_outdoes_what_was_measured_in_training(table):
    run = {
        "config": config(evaluation={"count": 64}),
        "reports": [{"step": 50, "metric/fid": 20.0}, {"step": 100, "metric/fid": 40.0}],
        "summary": summary(),
    }
    found = table(run, {**run, "evaluation": evaluation(fid=30.0)})
    fid = columns(found)["fid"]
    assert [(cell.value, cell.source) for cell in fid.cells] == [
        (40.0, "n=64, in training"),
        (30.0, "n=1000"),
    ]
    assert fid.heading == "fid"
    assert values(found, "fid.n") == [None, 1000]
    # the best is said of what was measured in training alone
    best = columns(found)["metric/fid.best"]
    assert [(cell.value, cell.source) for cell in best.cells] == 2 * [(20.0, "step 50")]


@pytest.mark.parametrize(
    ("name", "best"), [("fid", 1.0), ("recall_classifier", 3.0), ("is", 3.0), ("own", None)]
)
def test_the_best_needs_a_known_direction(table, name, best):
    given = [float("nan"), 1.0, 3.0, 2.0]
    reports = [{"step": step, f"metric/{name}": value} for step, value in enumerate(given)]
    found = table({"reports": reports})
    assert values(found, name) == [2.0]
    if best is None:
        assert f"metric/{name}.best" not in columns(found)
    else:
        assert values(found, f"metric/{name}.best") == [best]


def test_a_figure_says_from_how_many_fakes_and_of_which_step(table):
    few = evaluation(n=10, fid=1.0)
    same = table(*[{"summary": summary(), "evaluation": few}] * 2, {"summary": summary()})
    assert columns(same)["fid"].heading == "fid (n=10)"


def test_metrics_of_other_steps_and_counts_say_so_one_by_one(table):
    few, old = evaluation(n=10, fid=1.0), evaluation(step=50, fid=2.0)
    found = table(*({"summary": summary(), "evaluation": e} for e in (few, old)))
    fid = columns(found)["fid"]
    assert fid.heading == "fid"
    assert [cell.source for cell in fid.cells] == ["n=10", "n=1000, step 50"]
    assert "extractor: a classifier" in fid.cells[0].about
    assert "held_out: 1.5" in fid.cells[0].about


def test_settings_that_were_asked_for_come_first(table):
    other = config(seed=1, lr=1e-4)
    other["trainer"] = {"steps": 200, "epochs": None, "log_every": 5}
    given = {"chosen": ["optimizer.lr=1e-4", "trainer.log_every=5"]}
    first = config()
    first["trainer"]["log_every"] = 9
    kinds = {
        name: column.kind
        for name, column in columns(table({"config": first}, {"config": other, **given})).items()
        if name in ("seed", "optimizer.lr", "trainer.steps", "trainer.log_every")
    }
    assert kinds == {
        "seed": Kind.SETTING,
        "optimizer.lr": Kind.CHOICE,
        "trainer.steps": Kind.SETTING,
        "trainer.log_every": Kind.SETTING,  # what is written when tells runs apart, but no results
    }


def test_as_long_as_nobody_knows_what_was_asked_for_all_was(table):
    found = table({"config": config()}, {"config": config(seed=1, lr=1e-4)})
    assert {c.name for c in found.of(Kind.CHOICE)} == {"seed", "optimizer.lr"}


def test_odd_values_do_no_harm(table):
    odd = summary(metrics="none", step="x", peak_memory_bytes=None, parameters=[], seconds=[1])
    found = table({"summary": {**odd, "reason": None}, "reports": [{"step": None}]})
    assert values(found, "ended") == ["running or killed"]
    assert values(found, "seconds") == ["[1]"]


def test_what_a_run_was_warned_of(table):
    warned = {**summary(), "warnings": {"mode collapse": 800, "overfitting D": 900}}
    found = table({"summary": warned}, {"summary": summary()})
    assert values(found, "warnings") == ["mode collapse, overfitting D", None]


def test_where_no_run_was_warned_there_is_no_column(table):
    assert "warnings" not in columns(table({"summary": {**summary(), "warnings": {}}}))
