from gan_cli.evaluation.report import tables
from gan_cli.metrics.values import MetricValue


def value(name, **changes):
    fields = {
        **{"name": name, "value": 1.5, "held_out": 0.25, "n": 100, "reals": 90, "held_out_n": 80},
        **{"split": "train", "held_out_split": "test", "extractor": "classifier", "seed": 7},
        **changes,
    }
    return MetricValue(**fields)


def test_a_table_has_a_line_for_each_metric_in_columns():
    names = ["is", "authenticity_classifier"]
    (table,) = tables([value(names[0], k=3, note="beware"), value(names[1])])
    heading, head, *lines = table.splitlines()
    assert heading == "by classifier, against 90 real ones (train); held out: 80 (test); seed 7"
    assert head.split() == ["fakes", "held-out", "reals", "n", "k"]
    assert lines[0].split() == ["is", "1.5", "0.25", "100", "3", "beware"]
    assert lines[1].split() == [names[1], "1.5", "0.25", "100"]
    assert len({line.index("1.5") for line in lines}) == 1


def test_trials_and_extractors_have_tables_of_their_own():
    found = tables(
        [
            value("fid_ab", trial="ab", extractor="Inception"),
            value("fd_classifier_ab", trial="ab"),
            value("fd_classifier_ba", trial="ba"),
            value("cycle_l1_ba", trial="ba", extractor="pixels", held_out=None, split="test"),
        ]
    )
    assert [table.splitlines()[0] for table in found] == [
        "ab: by Inception, against 90 real ones (train); held out: 80 (test); seed 7",
        "ab: by classifier, against 90 real ones (train); held out: 80 (test); seed 7",
        "ba: by classifier, against 90 real ones (train); held out: 80 (test); seed 7",
        "ba: by pixels, against 90 real ones (test); seed 7",
    ]


def test_what_has_no_baseline_shows_none():
    (table,) = tables([value("psnr", held_out=None)])
    assert table.splitlines()[-1].split() == ["psnr", "1.5", "100"]
