"""Scalars, grids, the config and hyperparameters for TensorBoard."""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from gan_cli.metrics.values import headline
from gan_cli.sinks.sink import ReportSink, Run

if TYPE_CHECKING:
    from gan_cli.sinks.events import EventFile

FIRST = "Samples"
"""The tag of sheets. Pages are in the order of tags, capitals first: what is looked at most comes
before all curves."""
LAYOUT = {
    "Players": {
        "losses": ["Multiline", ["loss/.*"]],
        "scores of D": ["Multiline", ["score/.*"]],
        "gradients": ["Multiline", ["grad_norm/.*"]],
        "D is right on": ["Multiline", ["health/accuracy_.*"]],
    }
}
"""Charts of the custom scalars page: what is one thing of all players, in one chart."""
ORDER = ("metric", "loss", "score", "speed", "health", "grad_norm", "lr")
"""Of the columns in the HParams page, where the first five are shown at first."""


class TensorBoard(ReportSink):
    """One event folder per run, a file in it for each time the run was started.

    Args:
        folder: where the event files go.
        step: events after this step, left by an earlier part of a resumed run, are purged.
        config: the resolved config as YAML, shown as text.
        hyperparameters: flat, for the HParams page; written with the final metrics.
        swept: which of them a sweep varies; they come first there.
    """

    def __init__(
        self,
        folder: Path,
        step: int,
        config: str,
        hyperparameters: Mapping[str, bool | str | float | int],
        swept: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.folder, self.hyperparameters = folder, dict(hyperparameters)
        self.swept = frozenset(swept)
        self._step, self._config = step, config
        self._waiting: list[Callable[[], None]] = []

    @functools.cached_property
    def _events(self) -> "EventFile":
        from gan_cli.sinks.events import EventFile  # the first step does not wait for it

        return EventFile(self.folder, self._step, self._config, LAYOUT)

    def write(self, run: Run) -> None:
        """Plot the report."""
        assert run.report is not None
        self._catch_up()
        self._events.add_scalars(run.report, run.step)

    def show(self, tag: str, picture: Tensor, step: int) -> None:
        """Add an image, uint8 [3, H, W]; where that fails it is said, and the caller goes on.

        What is shown before the first step is added with the first report.
        """
        if step:
            self._catch_up()
            self._try(lambda: self._events.add_image(tag, picture, step))
        else:
            self._waiting.append(lambda: self._events.add_image(tag, picture, step))

    def sound(self, tag: str, wave: Tensor, rate: int, step: int) -> None:
        """Add sound, [1, 1, T] in [-1, 1] at `rate` samples a second; otherwise as `show`."""
        if step:
            self._catch_up()
            self._try(lambda: self._events.add_sound(tag, wave, rate, step))
        else:
            self._waiting.append(lambda: self._events.add_sound(tag, wave, rate, step))

    def play(self, tag: str, gif: bytes, size: tuple[int, int], step: int) -> None:
        """Add an animation, width and height in pixels; the browser plays it."""
        self._try(lambda: self._events.add_film(tag, gif, size, step))

    def finish(self, run: Run) -> None:
        """Add this run's row to the HParams page, in the run's own folder."""
        self._catch_up()
        try:
            columns = by_merit(run.last_report)
            self._events.add_hyperparameters(self.hyperparameters, self.swept, columns)
        finally:
            self._events.close()

    def _catch_up(self) -> None:
        while self._waiting:
            self._try(self._waiting.pop(0))

    def _try(self, add: Callable[[], None]) -> None:
        try:
            add()
        except OSError as error:
            self._warn(error)


def by_merit(names: Iterable[str]) -> list[str]:
    """Names of scalars, those that a run is judged by first: its one figure of merit, then others.

    What stands in no group, as `lr` does in `lr/G`, is left out.
    """
    groups = {name: name.partition("/")[0] for name in names if "/" in name}
    metrics = [name.removeprefix("metric/") for name in groups if name.startswith("metric/")]
    best = f"metric/{headline(metrics)}"
    rank = {group: number for number, group in enumerate(ORDER)}
    return sorted(groups, key=lambda name: (name != best, rank.get(groups[name], len(rank))))
