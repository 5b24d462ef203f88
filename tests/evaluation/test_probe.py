"""Measuring samples during training, on an evaluator that says what it is told to."""

import logging
from dataclasses import replace

import pytest
import torch

from gan_cli.errors import UserError
from gan_cli.evaluation.evaluator import TrialResult
from gan_cli.evaluation.probe import QualityProbe, refuse_unknown
from gan_cli.metrics.values import MetricValue
from gan_cli.tricks.examples import Progress


class Scripted:
    """Each look finds the next of these numbers; None: nothing that could be measured."""

    def __init__(self, numbers, names=("is", "fid")):
        self.numbers, self._names = list(numbers), list(names)

    def names(self):
        return self._names

    def evaluate(self):
        number = self.numbers.pop(0)
        if number is None:
            raise UserError("the game draws NaN or Inf")
        about = (None, 10, 10, 0, "train", "test", "pixels", 0)
        values = [MetricValue(name, number, *about) for name in self._names]
        yield TrialResult("", values, None, torch.empty(0), "image")


def look(probe, step):
    return probe.measure(Progress(step, 0.0, 0.0), {}, {})


def test_all_metrics_are_reported_and_their_names_known_before():
    probe = QualityProbe(5, Scripted([2.0]))
    assert probe.names == ["metric/is", "metric/fid"]
    assert look(probe, 5) == {"metric/is": 2.0, "metric/fid": 2.0}


def test_held_out_reals_stand_beside_what_they_bound(monkeypatch):
    """The best one can hope for; where that makes no sense there is none."""
    scripted = Scripted([2.0])
    ((first, *rest),) = [found.values for found in scripted.evaluate()]
    values = [replace(first, held_out=0.5), *rest]
    found = [TrialResult("", values, None, torch.empty(0), "image")]
    monkeypatch.setattr(scripted, "evaluate", lambda: iter(found))
    assert look(QualityProbe(1, scripted), 1) == {
        **{"metric/is": 2.0, "metric/fid": 2.0, "held_out/is": 0.5},
    }


def test_it_looks_every_so_often_and_at_the_end():
    probe = QualityProbe(5, Scripted([]))
    assert [probe.due(step, last=False) for step in (4, 5, 6, 10)] == [False, True, False, True]
    assert probe.due(7, last=True)


def test_the_log_says_when_it_is_the_best_so_far(caplog):
    probe = QualityProbe(1, Scripted([9.0, float("nan"), 9.5, 8.0]), earlier=[{"metric/fid": 10.0}])
    with caplog.at_level(logging.INFO):
        for step in range(1, 5):
            look(probe, step)
    assert caplog.messages == [
        "step 1: metric/fid 9 (best so far)",
        "step 2: metric/fid nan",
        "step 3: metric/fid 9.5",
        "step 4: metric/fid 8 (best so far)",
    ]


def test_a_resumed_run_remembers_its_best(caplog):
    earlier = [{"metric/is": 3.0}, {"loss/G/adversarial": 1.0}, {"metric/is": 5.0}]
    probe = QualityProbe(1, Scripted([4.0, 6.0]), best="is", earlier=earlier)
    with caplog.at_level(logging.INFO):
        look(probe, 1)
        look(probe, 2)
    assert caplog.messages == ["step 1: metric/is 4", "step 2: metric/is 6 (best so far)"]


def test_what_is_not_finite_is_not_measured(caplog):
    probe = QualityProbe(1, Scripted([None]))
    assert look(probe, 3) == {}
    assert "step 3 is not measured" in caplog.text


def test_the_best_goes_by_what_is_wanted():
    probe = QualityProbe(1, Scripted([]))
    assert probe.choose("auto") == ("metric/fid", True)
    assert probe.choose("is") == ("metric/is", False)
    assert probe.choose("none") is None
    with pytest.raises(UserError, match=r"evaluation\.best=kid: not measured here"):
        probe.choose("kid")
    with pytest.raises(UserError, match=r"evaluation\.best=kid"):
        QualityProbe(1, Scripted([]), best="kid")


def test_where_nothing_says_enough_no_checkpoint_is_the_best(caplog):
    probe = QualityProbe(1, Scripted([1.0], names=["cycle_l1_ab"]))
    assert probe.choose("auto") is None
    assert look(probe, 1) == {"metric/cycle_l1_ab": 1.0}
    assert probe.choose("cycle_l1_ab") == ("metric/cycle_l1_ab", True)


def test_a_metric_that_no_run_has_is_refused_at_once():
    for known in ("auto", "none", "fid", "fd_classifier", "fd_classifier_ab", "cycle_l1_ba"):
        refuse_unknown(known)
    with pytest.raises(UserError, match="modes_hits: no such metric; did you mean modes_hit"):
        refuse_unknown("modes_hits")
