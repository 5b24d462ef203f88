"""Sample grids from a fixed z, as files and in TensorBoard."""

from pathlib import Path

from torch import Tensor

from gan_cli import pictures, sampling
from gan_cli.networks.roles import Generator
from gan_cli.sinks.sink import Run, Sink
from gan_cli.sinks.tensorboard import TensorBoard

COUNT = 64
POINTS = 2048


class Samples(Sink):
    """A grid of what the same latents become over the run; one class a column when labelled.

    Args:
        every: steps between two grids; 0 for none.
        folder: where `step-00001000.png` goes.
        generator: draws where no mean of its weights is kept.
        real: for 2-D data, real points [N, 2, 1, 1] to draw underneath.
        seed: of the latents.
        tensorboard: also gets each grid.
    """

    def __init__(
        self,
        every: int,
        folder: Path,
        generator: Generator,
        seed: int,
        real: Tensor | None = None,
        tensorboard: TensorBoard | None = None,
    ) -> None:
        super().__init__(every)
        self.folder, self.generator, self.real, self.tensorboard = (
            folder,
            generator,
            real,
            tensorboard,
        )
        n_classes = generator.n_classes
        self.columns = min(n_classes, 16) or None
        count = COUNT if real is None else POINTS
        if self.columns:
            count = max(count // self.columns, 1) * self.columns
        self.z = sampling.draw_latents(count, generator.latent_dim, seed)
        self.y = sampling.spread_labels(count, n_classes, range(self.columns or 0))

    def write(self, run: Run) -> None:
        """Draw, save and show."""
        network = self.generator if run.average is None else run.average.network
        image = pictures.grid(
            sampling.generate(network, self.z, self.y), columns=self.columns, real=self.real
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        pictures.save_png(image, self.folder / f"step-{run.step:08d}.png")
        if self.tensorboard is not None:
            self.tensorboard.show("samples", image, run.step)
