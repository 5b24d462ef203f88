"""TensorBoard's event files. Importing this takes most of a second; see `tensorboard.py`."""

import io
import os
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.summary.writer.record_writer import RecordWriter
from torch import Tensor
from torch.utils.tensorboard.summary import (
    Summary,
    audio,
    custom_scalars,
    hparams,
    image,
    scalar,
    text,
)

from gan_cli.files import append_whole

PREFIX = "events.out.tfevents."


class EventFile:
    """A file of events, begun with the first of them.

    Events are written at once and whole: torch's SummaryWriter has a thread for it, which meets a
    full disk with a traceback and then costs the run its images, too.

    Args:
        folder: where it goes.
        step: events after this step, left by an earlier part of a resumed run, are purged.
        config: the config as YAML, shown as text.
        layout: of the custom scalars page.
    """

    def __init__(self, folder: Path, step: int, config: str, layout: Mapping[str, Any]) -> None:
        self._folder = folder
        self._file: io.FileIO | None = None
        self._head = [Event(file_version="brain.Event:2")]
        if step:  # what came after it is forgotten
            self._head.append(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))
        else:
            written = text("config", f"```yaml\n{config}\n```"), custom_scalars(layout)
            self._head += [Event(summary=summary) for summary in written]

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        """Numbers by name."""
        self._append(*(scalar(name, value) for name, value in values.items()), step=step)

    def add_image(self, tag: str, picture: Tensor, step: int) -> None:
        """An image, uint8 [3, H, W]."""
        self._append(image(tag, picture, dataformats="CHW"), step=step)

    def add_sound(self, tag: str, wave: Tensor, rate: int, step: int) -> None:
        """Sound, [1, 1, T] in [-1, 1], `rate` samples a second; the browser plays it."""
        self._append(audio(tag, wave.flatten(), rate), step=step)

    def add_film(self, tag: str, gif: bytes, size: tuple[int, int], step: int) -> None:
        """A GIF, width and height in pixels; the browser plays it."""
        width, height = size
        film = Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=gif
        )  # colorspace 3: RGB; torch's own way wants moviepy
        self._append(Summary(value=[Summary.Value(tag=tag, image=film)]), step=step)

    def add_hyperparameters(
        self,
        values: Mapping[str, bool | str | float | int],
        swept: Collection[str],
        metrics: Sequence[str],
    ) -> None:
        """A row of the HParams page.

        Args:
            values: of the hyperparameters.
            swept: which of them vary; they are ticked first.
            metrics: names of scalars beside them, in order.
        """
        experiment, *session = hparams(dict(values), dict.fromkeys(metrics, 0.0))
        plugin = experiment.value[0].metadata.plugin_data
        content = HParamsPluginData.FromString(plugin.content)
        for parameter in content.experiment.hparam_infos:
            parameter.differs = parameter.name in swept
        plugin.content = content.SerializeToString()
        self._append(experiment, *session)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _append(self, *summaries: Any, step: int = 0) -> None:
        """Write an event for each, all or none."""
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = io.FileIO(new_event_file(self._folder), "x")
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
