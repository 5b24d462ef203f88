import pytest

from gan_cli.metrics.values import BETTER, HEADLINES, better, headline, stem


def test_a_classifiers_metric_has_the_direction_of_its_namesake():
    assert (better("fid"), better("fd_classifier"), better("recall_classifier")) == (
        *("lower", "lower"),
        "higher",
    )
    with pytest.raises(KeyError):
        better("beauty")


def test_the_literatures_metric_goes_before_ours():
    assert headline(["precision", "fd_classifier", "fid"]) == "fid"
    assert headline(["precision_classifier", "fd_classifier"]) == "fd_classifier"
    assert headline(["modes_hit", "high_quality", "mode_overlap"]) == "mode_overlap"
    assert {stem(name) for name in HEADLINES} <= BETTER.keys()
    assert headline(["precision"]) is None


def test_of_a_game_with_two_trials_the_first_ones_metric_counts():
    names = ["cycle_l1_ab", "fd_classifier_ab", "cycle_l1_ba", "fd_classifier_ba"]
    assert headline(names) == "fd_classifier_ab"
    assert headline([*names, "fid_ba"]) == "fid_ba"
    assert [stem(name) for name in names] == ["cycle_l1", "fd", "cycle_l1", "fd"]
    assert (stem("class_kl"), stem("is_ab"), better("l1_ab")) == ("class_kl", "is", "lower")
