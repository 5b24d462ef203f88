"""A search finds what is good, gives up what is not, and can be cut off anywhere."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from gan_cli.cli.process import Stopped, listening
from gan_cli.errors import RunFailed, UserError
from gan_cli.tuning import process, report
from gan_cli.tuning.judge import read_summary
from gan_cli.tuning.search import overview, run_search
from gan_cli.tuning.settings import SearchSettings
from gan_cli.tuning.space import read_space
from gan_cli.tuning.study import METRIC, WHY

SPACE = {"optimizer": {"lr": {"low": 1e-5, "high": 0.1, "log": True}}}
Start = Callable[..., optuna.Study]


@pytest.fixture(autouse=True)
def pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Path(__file__).with_name("pretend.py")
    monkeypatch.setattr(process, "COMMAND", [sys.executable, "-S", str(script)])
    monkeypatch.setattr(process, "POLL", 0.02)


def settings(folder: Path, **given: object) -> SearchSettings:
    usual = {
        **{"space": SPACE, "overrides": [], "trials": 12, "minutes": None, "metric": None},
        **{"direction": None, "marks": 5, "prune": True, "startup": 4, "seed": 0},
        **{"folder": str(folder), "storage": None, "study": "study"},
    }
    return SearchSettings(**usual | given)  # type: ignore[arg-type]


def start(folder: Path, overrides: list[str] = [], **given: object) -> optuna.Study:  # noqa: B006
    chosen = settings(folder, **given)
    dimensions = read_space(chosen.space)
    return run_search(
        chosen, dimensions, "minimize", overrides, {"optimizer.lr": 2e-3}, lambda _: None
    )


def test_a_search_finds_what_is_good_and_gives_up_what_is_not(tmp_path: Path) -> None:
    study = start(tmp_path)
    trials = study.get_trials()
    assert len(trials) == 12
    assert trials[0].params == {"optimizer.lr": 2e-3}  # what there is without a search
    assert 3e-4 < study.best_params["optimizer.lr"] < 3e-3
    given_up = study.get_trials(states=(TrialState.PRUNED,))
    assert given_up
    assert {t.user_attrs[WHY] for t in given_up} == {process.BEHIND}
    for trial in given_up:
        ended = read_summary(tmp_path / "trials" / f"{trial.number:04}")["reason"]
        assert ended == "pruned: behind the median"
    assert study.user_attrs[METRIC] == "metric/fd_classifier"
    assert "given up" in overview(study)[0]
    # the page has Optuna's plots and every trial
    page = report.write_report(tmp_path, study, "fd").read_text()
    assert page.count("<img") >= 3
    assert page.count("<tr") == 13
    # the same again is done already, and a longer one goes on
    assert len(start(tmp_path).get_trials()) == 12
    assert len(start(tmp_path, trials=13).get_trials()) == 13


def test_draws_do_not_depend_on_where_a_search_was_cut(tmp_path: Path) -> None:
    whole = start(tmp_path / "whole", trials=4, prune=False)
    for trials in (1, 2, 4):
        parts = start(tmp_path / "parts", trials=trials, prune=False)
    assert [t.params for t in whole.get_trials()] == [t.params for t in parts.get_trials()]


def test_a_stopped_search_saves_its_run_and_goes_on_with_it(tmp_path: Path) -> None:
    def stop() -> None:
        while not (tmp_path / "waiting").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    def raise_stopped(number: int, frame: object) -> None:
        raise Stopped(signal.Signals(number).name)

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Stopped), listening(raise_stopped):
        start(tmp_path, ["seed=16"], trials=1)
    thread.join()
    run = tmp_path / "trials" / "0000"
    assert '"stopped by SIGTERM"' in (run / "summary.json").read_text()
    # the second start finds its two reports, and reports the other three
    study = start(tmp_path, ["seed=16"], trials=1)
    (trial,) = study.get_trials()
    assert sorted(trial.intermediate_values) == [20, 40, 60, 80, 100]
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 5


def test_two_processes_share_a_study(tmp_path: Path) -> None:
    code = (
        f"import runpy, sys; from pathlib import Path; t = runpy.run_path({__file__!r});"
        f"t['process'].COMMAND[:] = {process.COMMAND!r}; t['process'].POLL = 0.02;"
        f"t['start'](Path({str(tmp_path)!r}))"
    )
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    study = optuna.load_study(study_name="study", storage=f"sqlite:///{tmp_path / 'study.db'}")
    trials = study.get_trials()
    assert len(trials) == 12
    assert all(trial.state.is_finished() for trial in trials)


def test_failures_are_kept_and_stop_nothing(tmp_path: Path) -> None:
    choices = {"seed": [0, 13, 15], "optimizer": SPACE["optimizer"]}
    study = start(tmp_path, space=choices, trials=8, prune=False)
    reasons = {t.params["seed"]: (t.state, t.user_attrs.get(WHY)) for t in study.get_trials()}
    assert reasons == {
        0: (TrialState.COMPLETE, None),
        13: (TrialState.FAIL, "out of memory"),
        15: (TrialState.PRUNED, "not finite"),
    }


def test_a_trial_that_collapses_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="no trial came to its end: mode collapse"):
        start(tmp_path, ["seed=17"], trials=1)
    assert '"pruned: mode collapse"' in (tmp_path / "trials" / "0000" / "summary.json").read_text()


def test_what_all_runs_would_be_refused_for_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=re.escape("data.root: no such folder")):
        start(tmp_path, ["seed=14"])


def test_a_search_of_which_nothing_comes_has_failed(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="no trial came to its end: not finite"):
        start(tmp_path, ["seed=15"], trials=2)


def test_a_study_keeps_its_runs_comparable(tmp_path: Path) -> None:
    start(tmp_path, ["trainer.steps=100"], trials=1)
    with pytest.raises(UserError, match=r"trials with other settings \(trainer.steps=100, trai"):
        start(tmp_path, ["trainer.steps=200"], trials=2)
    with pytest.raises(UserError, match=r"search.storage=nowhere://: cannot be opened"):
        start(tmp_path, storage="nowhere://")
