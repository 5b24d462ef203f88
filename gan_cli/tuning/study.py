"""The study: what was tried, what came of it, and what is tried next.

Optuna keeps it, in SQLite or wherever a URL points. Several processes and machines may work on one
study. A trial whose process died is gone on with by whoever finds it, from its last checkpoint.
"""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from gan_cli.errors import UserError
from gan_cli.tuning.judge import Direction
from gan_cli.tuning.settings import SearchSettings

WHY = "why"
"""The attribute of a trial that says why it was given up or failed."""
METRIC = "metric"
"""The attribute of a study that says by which scalar it goes."""
OVERRIDES = "overrides"
"""The attribute of a study that says what all of its trials are given."""


class RepeatableSampler(BaseSampler):
    """TPE whose draws follow from seed and number of the trial, wherever and whenever it is asked.

    A plain seeded sampler would begin its random draws anew with each process.

    Args:
        seed: of the study.
        startup: trials that are drawn at random.
    """

    def __init__(self, seed: int, startup: int) -> None:
        self._seed, self._startup = seed, startup
        self._inner: BaseSampler = TPESampler(seed=seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin the draws of this trial."""
        seed = (self._seed * 1_000_003 + trial.number) % 2**32
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._inner = TPESampler(
                n_startup_trials=self._startup, multivariate=True, constant_liar=True, seed=seed
            )

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """See `BaseSampler`."""
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See `BaseSampler`."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> Any:
        """See `BaseSampler`."""
        return self._inner.sample_independent(study, trial, name, distribution)


def open_study(
    settings: SearchSettings, folder: Path, direction: Direction, overrides: Sequence[str]
) -> Study:
    """The study of this name, made where it is not there yet.

    Args:
        settings: of the search.
        folder: where its SQLite file lies, where no other storage is named.
        direction: which values are better.
        overrides: what all trials are given; a study that is there was given the same.

    Raises:
        UserError: the storage cannot be opened, or holds a study of other runs.
    """
    url = settings.storage or f"sqlite:///{folder / 'study.db'}"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            study_name=settings.study,
            storage=url,
            sampler=RepeatableSampler(settings.seed, settings.startup),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=0),
            direction=direction,
            load_if_exists=True,
        )
        before = study.user_attrs.get(OVERRIDES)
    except Exception as error:  # any database's, any driver's
        reason = str(error).strip().partition("\n")[0]
        raise UserError(f"search.storage={url}: cannot be opened ({reason})") from error
    if study.direction.name.lower() != direction:
        raise UserError(f"search.study={settings.study}: it is there, and goes the other way")
    if before is None:
        study.set_user_attr(OVERRIDES, list(overrides))
    elif list(before) != list(overrides):
        only = sorted({*before} ^ {*overrides})
        raise UserError(
            f"search.study={settings.study}: it is there, of trials with other settings "
            f"({', '.join(only)}); say the same again, or name another search.folder"
        )
    return study


def offer(study: Study, values: Mapping[str, Any]) -> None:
    """Let a new study begin with what a run would have without it."""
    if values and not study.get_trials(deepcopy=False):
        study.enqueue_trial(dict(values))


class Trials:
    """Hands out the trials of a study, each to one process.

    Args:
        study: opened.
        folder: where the trials' runs lie on this machine.
        most: how many trials there are to be, everybody's together.
    """

    def __init__(self, study: Study, folder: Path, most: int) -> None:
        self.study, self.folder, self.most = study, folder, most
        folder.mkdir(parents=True, exist_ok=True)

    def place(self, number: int) -> Path:
        """The folder of a trial's run."""
        return self.folder / f"{number:04}"

    @contextmanager
    def next_trial(self) -> Iterator[Trial | None]:
        """A trial that was left unfinished here, or a new one; None where there are enough."""
        with contextlib.ExitStack() as stack:
            with FileLock(self.folder / ".lock"):  # between asking and locking nobody looks
                trial = self._left_over(stack)
                if trial is None and len(self.study.get_trials(deepcopy=False)) < self._room():
                    trial = self.study.ask()
                    stack.enter_context(self._own(trial.number))
            yield trial

    def _room(self) -> int:
        waiting = self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        return self.most + len(waiting)

    def _left_over(self, stack: contextlib.ExitStack) -> Trial | None:
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for found in running:
            if self._own_file(found.number).exists():  # else it is another machine's
                try:
                    stack.enter_context(self._own(found.number))
                except Timeout:
                    continue  # another process works on it
                return Trial(self.study, found._trial_id)
        return None

    def _own_file(self, number: int) -> Path:
        return self.place(number).with_suffix(".lock")

    def _own(self, number: int) -> FileLock:
        return FileLock(self._own_file(number), blocking=False)

    def reported(self, number: int) -> Mapping[int, float]:
        """The marks that the study knows of a trial."""
        return self.study.get_trials(deepcopy=False)[number].intermediate_values


def finished(study: Study, *states: TrialState) -> list[FrozenTrial]:
    """Trials in one of these states, or all that are over."""
    over = states or (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    return study.get_trials(deepcopy=False, states=over)
