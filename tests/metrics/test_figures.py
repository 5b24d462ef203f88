import pytest

from gan_cli.metrics.figures import BETTER, CLASSIFIER, HEADLINES, Figure, better, headline, table


def figure(name, note=""):
    return Figure(name, 1.5, 0.25, 100, 90, 80, "train", "test", "classifier", 0, note)


def test_a_classifiers_figure_has_the_direction_of_its_namesake():
    assert (better("fid"), better("fd_classifier"), better("recall_classifier")) == (
        *("lower", "lower"),
        "higher",
    )
    with pytest.raises(KeyError):
        better("beauty")


def test_the_literatures_figure_goes_before_ours():
    assert headline(["precision", "fd_classifier", "fid"]) == "fid"
    assert headline(["precision_classifier", "fd_classifier"]) == "fd_classifier"
    assert headline(["modes_hit", "high_quality", "mode_overlap"]) == "mode_overlap"
    assert {name.removesuffix(CLASSIFIER) for name in HEADLINES} <= BETTER.keys()
    with pytest.raises(ValueError, match="precision"):
        headline(["precision"])


def test_a_table_has_a_line_for_each_figure_in_columns():
    names = ["is", "authenticity_classifier"]
    head, *lines = table([figure(names[0], "beware"), figure(names[1])]).splitlines()
    assert head.split() == ["fakes", "held-out", "reals"]
    assert lines[0].split() == ["is", "1.5", "0.25", "beware"]
    assert len({line.index("1.5") for line in lines}) == 1
