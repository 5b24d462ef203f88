"""Scalars, grids, the config and hyperparameters for TensorBoard."""

import io
import os
import socket
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.summary.writer.record_writer import RecordWriter
from torch import Tensor
from torch.utils.tensorboard.summary import Summary, custom_scalars, hparams, image, scalar, text

from gan_cli.files import append_whole
from gan_cli.metrics.values import headline
from gan_cli.sinks.sink import ReportSink, Run

PREFIX = "events.out.tfevents."
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

    Events are written at once and whole: torch's SummaryWriter has a thread for it, which meets a
    full disk with a traceback and then costs the run its images, too.

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
        self._file: io.FileIO | None = None
        self._head = [Event(file_version="brain.Event:2")]
        if step:  # what came after it is forgotten
            self._head.append(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))
        else:
            written = text("config", f"```yaml\n{config}\n```"), custom_scalars(LAYOUT)
            self._head += [Event(summary=summary) for summary in written]

    def write(self, run: Run) -> None:
        """Plot the report."""
        assert run.report is not None
        self._append(*(scalar(name, value) for name, value in run.report.items()), step=run.step)

    def show(self, tag: str, picture: Tensor, step: int) -> None:
        """Add an image, uint8 [3, H, W]; where that fails it is said, and the caller goes on."""
        self._try(image(tag, picture, dataformats="CHW"), step)

    def play(self, tag: str, gif: bytes, size: tuple[int, int], step: int) -> None:
        """Add an animation, width and height in pixels; the browser plays it."""
        width, height = size
        film = Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=gif
        )  # colorspace 3: RGB; torch's own way wants moviepy
        self._try(Summary(value=[Summary.Value(tag=tag, image=film)]), step)

    def finish(self, run: Run) -> None:
        """Add this run's row to the HParams page, in the run's own folder."""
        metrics = dict.fromkeys(by_merit(run.last_report), 0.0)
        experiment, *session = hparams(self.hyperparameters, metrics)
        plugin = experiment.value[0].metadata.plugin_data
        content = HParamsPluginData.FromString(plugin.content)
        for parameter in content.experiment.hparam_infos:
            parameter.differs = parameter.name in self.swept
        plugin.content = content.SerializeToString()
        try:
            self._append(experiment, *session)
        finally:
            if self._file is not None:
                self._file.close()

    def _try(self, summary: Any, step: int) -> None:
        try:
            self._append(summary, step=step)
        except OSError as error:
            self._warn(error)

    def _append(self, *summaries: Any, step: int = 0) -> None:
        """Write an event for each, all or none."""
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = io.FileIO(new_event_file(self.folder), "x")
        events = [Event(summary=summary, step=step) for summary in summaries]
        records = io.BytesIO()
        for event in [*self._head, *events]:
            event.wall_time = time.time()
            RecordWriter(records).write(event.SerializeToString())
        append_whole(self._file, records.getvalue())
        self._head = []


def by_merit(names: Iterable[str]) -> list[str]:
    """Names of scalars, those that a run is judged by first: its one figure of merit, then others.

    What stands in no group, as `lr` does in `lr/G`, is left out.
    """
    groups = {name: name.partition("/")[0] for name in names if "/" in name}
    metrics = [name.removeprefix("metric/") for name in groups if name.startswith("metric/")]
    best = f"metric/{headline(metrics)}"
    rank = {group: number for number, group in enumerate(ORDER)}
    return sorted(groups, key=lambda name: (name != best, rank.get(groups[name], len(rank))))


def new_event_file(folder: Path) -> Path:
    """The path of a further event file: TensorBoard reads them in the order of their names.

    They begin with the time; where a clock was set back since, with one later than all before.
    """
    numbers = [path.name.removeprefix(PREFIX)[:10] for path in folder.glob(f"{PREFIX}*")]
    earlier = max((int(number) for number in numbers if number.isdecimal()), default=0)
    now = max(int(time.time()), earlier + 1)
    return folder / f"{PREFIX}{now:010d}.{socket.gethostname()}.{os.getpid()}"
