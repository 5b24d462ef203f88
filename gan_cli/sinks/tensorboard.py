"""Scalars, grids, the config and hyperparameters for TensorBoard."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import Summary, hparams

from gan_cli.sinks.sink import ReportSink, Run


class TensorBoard(ReportSink):
    """One event folder per run.

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
        self.writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)
        if not step:
            self.writer.add_text("config", "```yaml\n" + config + "\n```", 0)

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
        width, height = size
        image = Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=gif
        )  # colorspace 3: RGB
        summary = Summary(value=[Summary.Value(tag=tag, image=image)])
        self.writer._get_file_writer().add_summary(summary, step)  # add_video wants moviepy

    def finish(self, run: Run) -> None:
        """Add this run's row to the HParams page, in the run's own folder."""
        metrics = {name: value for name, value in run.last_report.items() if "/" in name}
        for summary in hparams(self.hyperparameters, dict.fromkeys(metrics, 0.0)):
            self.writer._get_file_writer().add_summary(summary)  # add_hparams makes a second run
        self.writer.close()
