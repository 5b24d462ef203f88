"""Scalars, grids, the config and hyperparameters for TensorBoard."""

import io
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.record_writer import RecordWriter
from torch import Tensor
from torch.utils.tensorboard.summary import Summary, hparams, image, scalar, text

from gan_cli.files import append_whole
from gan_cli.sinks.sink import ReportSink, Run

PREFIX = "events.out.tfevents."


class TensorBoard(ReportSink):
    """One event folder per run, a file in it for each time the run was started.

    Events are written at once and whole: torch's SummaryWriter has a thread for it, which meets a
    full disk with a traceback and then costs the run its images, too.

    Args:
        folder: where the event files go.
        step: events after this step, left by an earlier part of a resumed run, are purged.
        config: the resolved config as YAML, shown as text.
        hyperparameters: flat, for the HParams page; written with the final metrics.
    """

    def __init__(
        self,
        folder: Path,
        step: int,
        config: str,
        hyperparameters: Mapping[str, bool | str | float | int],
    ) -> None:
        super().__init__()
        self.folder, self.hyperparameters = folder, dict(hyperparameters)
        self._file: io.FileIO | None = None
        self._head = [Event(file_version="brain.Event:2")]
        if step:  # what came after it is forgotten
            self._head.append(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))
        else:
            self._head.append(Event(summary=text("config", f"```yaml\n{config}\n```")))

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
        metrics = {name: 0.0 for name in run.last_report if "/" in name}
        try:
            self._append(*hparams(self.hyperparameters, metrics))
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


def new_event_file(folder: Path) -> Path:
    """The path of a further event file: TensorBoard reads them in the order of their names.

    They begin with the time; where a clock was set back since, with one later than all before.
    """
    numbers = [path.name.removeprefix(PREFIX)[:10] for path in folder.glob(f"{PREFIX}*")]
    earlier = max((int(number) for number in numbers if number.isdecimal()), default=0)
    now = max(int(time.time()), earlier + 1)
    return folder / f"{PREFIX}{now:010d}.{socket.gethostname()}.{os.getpid()}"
