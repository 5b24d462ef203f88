"""Scalars, grids, the config and hyperparameters for TensorBoard."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from gan_cli.sinks.sink import ReportSink, Run

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoard(ReportSink):
    """One event folder per run, begun with the first thing that is shown.

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
        self.hyperparameters = dict(hyperparameters)
        self._folder, self._step, self._config = folder, step, config

    @functools.cached_property
    def writer(self) -> "SummaryWriter":
        """What writes the event file; it takes most of a second to import."""
        from torch.utils.tensorboard import SummaryWriter

        step = self._step
        writer = SummaryWriter(str(self._folder), purge_step=step + 1 if step else None)
        if not step:
            writer.add_text("config", "```yaml\n" + self._config + "\n```", 0)
        return writer

    def write(self, run: Run) -> None:
        """Plot the report."""
        assert run.report is not None
        for name, value in run.report.items():
            self.writer.add_scalar(name, value, run.step)
        self.writer.flush()

    def show(self, tag: str, image: Tensor, step: int) -> None:
        """Add an image, uint8 [3, H, W]."""
        self.writer.add_image(tag, image, step)

    def play(self, tag: str, gif: bytes, size: tuple[int, int], step: int) -> None:
        """Add an animation, width and height in pixels; the browser plays it."""
        from torch.utils.tensorboard.summary import Summary

        width, height = size
        image = Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=gif
        )  # colorspace 3: RGB
        summary = Summary(value=[Summary.Value(tag=tag, image=image)])
        self.writer._get_file_writer().add_summary(summary, step)  # add_video wants moviepy

    def finish(self, run: Run) -> None:
        """Add this run's row to the HParams page, in the run's own folder."""
        from torch.utils.tensorboard.summary import hparams

        metrics = {name: value for name, value in run.last_report.items() if "/" in name}
        for summary in hparams(self.hyperparameters, dict.fromkeys(metrics, 0.0)):
            self.writer._get_file_writer().add_summary(summary)  # add_hparams makes a second run
        self.writer.close()
