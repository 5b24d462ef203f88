"""The keys of conf/tune.yaml, checked."""

import dataclasses
from typing import Any, Literal

from gan_cli.ranges import Count, Natural, Positive


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """`search:`, with what conf/search/*.yaml says.

    Attributes:
        space: what is searched, nested as the keys of `gan-train` are; see `space.read_space`.
        overrides: what every trial is given before what was typed.
        trials: how many in all, those of earlier starts and of other processes among them.
        minutes: no trial begins after so many.
        metric: the scalar to go by; None: the figure that a run's best checkpoint goes by.
        direction: which values of `metric` are better; None where that is known.
        marks: how often a trial is measured, where `trainer.evaluate_every` is not given.
        prune: whether a trial that falls behind is stopped at a mark, and one that collapses.
        startup: trials drawn at random before the sampler goes by earlier ones.
        seed: of the sampler.
        folder: where trials, the study and the result land; the same folder goes on.
        storage: URL of an Optuna storage; None: SQLite in the folder.
        study: name of the study within the storage.
    """

    space: dict[str, Any]
    overrides: list[str]
    trials: Count
    minutes: Positive | None
    metric: str | None
    direction: Literal["minimize", "maximize"] | None
    marks: Count
    prune: bool
    startup: Natural
    seed: Natural
    folder: str
    storage: str | None
    study: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuneSettings:
    """The keys of conf/tune.yaml."""

    search: SearchSettings
