"""Scalars, grids, the config and hyperparameters for TensorBoard."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import Summary, hparams

from gan_cli.metrics.values import headline
from gan_cli.sinks.sink import ReportSink, Run

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
    """One event folder per run.

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
        self.hyperparameters, self.swept = dict(hyperparameters), frozenset(swept)
        self.writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)
        if not step:
            self.writer.add_text("config", "```yaml\n" + config + "\n```", 0)
            self.writer.add_custom_scalars(LAYOUT)

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
        metrics = dict.fromkeys(by_merit(run.last_report), 0.0)
        experiment, *session = hparams(self.hyperparameters, metrics)
        plugin = experiment.value[0].metadata.plugin_data
        content = HParamsPluginData.FromString(plugin.content)
        for parameter in content.experiment.hparam_infos:
            parameter.differs = parameter.name in self.swept
        plugin.content = content.SerializeToString()
        for summary in (experiment, *session):
            self.writer._get_file_writer().add_summary(summary)  # add_hparams makes a second run
        self.writer.close()


def by_merit(names: Iterable[str]) -> list[str]:
    """Names of scalars, those that a run is judged by first: its one figure of merit, then others.

    What stands in no group, as `lr` does in `lr/G`, is left out.
    """
    groups = {name: name.partition("/")[0] for name in names if "/" in name}
    metrics = [name.removeprefix("metric/") for name in groups if name.startswith("metric/")]
    best = f"metric/{headline(metrics)}"
    rank = {group: number for number, group in enumerate(ORDER)}
    return sorted(groups, key=lambda name: (name != best, rank.get(groups[name], len(rank))))
