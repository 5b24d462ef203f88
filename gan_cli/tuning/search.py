"""The search from its first trial to its last; read it as a table of contents."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from gan_cli.errors import RunFailed, UserError
from gan_cli.files import amend_json
from gan_cli.tuning import process
from gan_cli.tuning.judge import Direction, Judge, direction_of, read_summary, refuse_missing
from gan_cli.tuning.settings import SearchSettings
from gan_cli.tuning.space import Dimension, override
from gan_cli.tuning.study import METRIC, WHY, Trials, finished, offer, open_study

log = logging.getLogger(__name__)

RUNS = "trials"


def run_search(
    settings: SearchSettings,
    dimensions: Sequence[Dimension],
    direction: Direction,
    overrides: Sequence[str],
    usual: Mapping[str, Any],
    on_better: Callable[[FrozenTrial], None],
) -> Study:
    """Train trial after trial, until there are as many as asked for.

    Args:
        settings: of the search.
        dimensions: what it varies.
        direction: which values are better.
        overrides: what every trial is given, as typed after gan-train.
        usual: the values that runs have without a search, tried first.
        on_better: called with the best trial whenever there is a new one.

    Raises:
        UserError: a study or a storage that cannot be used, runs that are refused.
        RunFailed: no trial came to its end.
        BaseException: what came from a signal; the trial that was running has been saved.
    """
    folder = Path(settings.folder).expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # two that make one study at once would collide
        study = open_study(settings, folder, direction, overrides)
        offer(study, usual)
    trials = Trials(study, folder / RUNS, settings.trials)
    if done := len(finished(study)):
        log.info("%d of %d trials are there", done, settings.trials)

    began = time.monotonic()
    while settings.minutes is None or time.monotonic() - began < 60 * settings.minutes:
        with trials.next_trial() as trial:
            if trial is None:
                break
            best = _best(study)
            _try(trial, trials, dimensions, direction, overrides, settings)
            found = _best(study)
            if found is not None and (best is None or found.number != best.number):
                on_better(found)
    if _best(study) is None:
        reasons = sorted({str(t.user_attrs.get(WHY, t.state.name)) for t in finished(study)})
        raise RunFailed(f"no trial came to its end: {'; '.join(reasons) or 'none was begun'}")
    return study


def _try(
    trial: Trial,
    trials: Trials,
    dimensions: Sequence[Dimension],
    direction: Direction,
    overrides: Sequence[str],
    settings: SearchSettings,
) -> None:
    """One trial, from its values to what the study keeps of it."""
    values = {dimension.key: dimension.suggest(trial) for dimension in dimensions}
    chosen = [override(key, value) for key, value in values.items()]
    folder = trials.place(trial.number)
    log.info("trial %d: %s", trial.number, " ".join(_short(o) for o in chosen))
    judge = Judge(folder / "metrics.jsonl", settings.metric)
    known = dict(trials.reported(trial.number))

    def hopeless(marks: Sequence[tuple[int, float]]) -> str:
        if marks and settings.direction is None and direction_of(str(judge.metric)) != direction:
            raise UserError(f"search.direction: of {judge.metric} it has to be said; give it")
        for step, value in marks:
            if step not in known:
                trial.report(value, step)
                known[step] = value
        if not settings.prune:
            return ""
        if judge.collapsed is not None:
            return process.COLLAPSED
        return process.BEHIND if marks and trial.should_prune() else ""

    ending = process.train_trial([*overrides, *chosen], folder, judge, hopeless)
    _tell(trial, trials, judge, ending, direction)


def _tell(
    trial: Trial, trials: Trials, judge: Judge, ending: process.Ending, direction: Direction
) -> None:
    """Let the study know how a trial ended."""
    study, number = trials.study, trial.number
    folder = trials.place(number)
    value = judge.best(direction)
    if ending.pruned and ending.code != process.FINISHED:
        trial.set_user_attr(WHY, ending.pruned)
        study.tell(trial, state=TrialState.PRUNED)
        amend_json(folder / "summary.json", reason=f"pruned: {ending.pruned}")
        log.info("trial %d: given up at step %d, %s", number, judge.step, ending.pruned)
    elif ending.code == process.FINISHED and value is not None:
        study.set_user_attr(METRIC, judge.metric)
        study.tell(trial, value)
        best = _best(study)
        record = " (best so far)" if best is not None and best.number == number else ""
        log.info("trial %d: %s %.4g%s", number, judge.metric, value, record)
    else:
        if not finished(study, TrialState.COMPLETE, TrialState.PRUNED):
            if ending.code == process.FINISHED:
                study.tell(trial, state=TrialState.FAIL)
                refuse_missing(judge.metric, list(read_summary(folder).get("metrics", ())))
            process.refuse_hopeless_start(ending)
        why = process.explain(ending, folder)
        trial.set_user_attr(WHY, why)
        study.tell(trial, state=TrialState.FAIL)
        log.warning("trial %d: failed: %s", number, why)


def _best(study: Study) -> FrozenTrial | None:
    try:
        return study.best_trial
    except ValueError:  # none is complete
        return None


def _short(override: str) -> str:
    """An override with as many digits as one reads."""
    key, _, value = override.partition("=")
    try:
        return f"{key}={float(value):.3g}" if "." in value or "e" in value else override
    except ValueError:
        return override


def overview(study: Study) -> list[str]:
    """What came of all trials, in a few lines."""
    counted = {
        state: len(study.get_trials(deepcopy=False, states=(state,)))
        for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING)
    }
    names = ("finished", "given up", "failed", "running elsewhere")
    said = [f"{n} {name}" for name, n in zip(names, counted.values(), strict=True) if n]
    lines = [", ".join(said)]
    if counted[TrialState.COMPLETE] >= 4 and len(study.best_trial.params) > 1:
        importance = optuna.importance.get_param_importances(study)
        shares = ", ".join(f"{key} {share:.0%}" for key, share in importance.items())
        lines.append(f"what decided: {shares}")
    return lines
