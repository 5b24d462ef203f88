"""What the generator draws in the course of a run, as files and in TensorBoard."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from gan_cli.games import latents as sampling
from gan_cli.networks.roles import Generator
from gan_cli.sinks.sink import Run, Sink
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.viz import images as pictures

ROWS, FRAMES = 8, 10
"""Walks between latents, and pictures along each."""

Surface = Callable[[Tensor, Tensor], Tensor | None]
"""Real and fake points [N, 2, 1, 1] to how D judges the plane; see `surface.decision_surface`."""


class Sampler:
    """Puts the same latents before the generator, again and again.

    Args:
        generator: draws where no mean of its weights is kept.
        z: latents [N, latent_dim].
        y: labels [N] or None.
    """

    def __init__(self, generator: Generator, z: Tensor, y: Tensor | None) -> None:
        self.generator, self.z, self.y = generator, z, y

    def draw(self, run: Run) -> Tensor:
        """Pictures [N, C, H, W] as the run would make them now."""
        network = self.generator if run.average is None else run.average.network
        return sampling.generate(network, self.z, self.y)


class Samples(Sink):
    """A grid of what the same latents become over the run; 2-D points as a scatter plot.

    Args:
        every: steps between two grids.
        folder: where `step-00001000.png` goes.
        sampler: draws what is shown.
        columns: pictures per row; None for a square.
        tensorboard: also gets each grid.
        real: for 2-D data, real points [N, 2, 1, 1] to draw underneath.
        surface: for 2-D data, how D judges the plane.
    """

    def __init__(
        self,
        every: int,
        folder: Path,
        sampler: Sampler,
        columns: int | None,
        tensorboard: TensorBoard,
        real: Tensor | None = None,
        surface: Surface | None = None,
    ) -> None:
        super().__init__(every)
        self.folder, self.sampler, self.columns = folder, sampler, columns
        self.tensorboard, self.real, self.surface = tensorboard, real, surface

    def write(self, run: Run) -> None:
        """Draw, save and show."""
        fakes = self.sampler.draw(run)
        surface = None
        if self.real is not None and self.surface is not None:
            surface = self.surface(self.real, fakes)
        image = pictures.grid(fakes, self.columns, self.real, surface)
        self.tensorboard.show("samples", image, run.step)
        self.folder.mkdir(parents=True, exist_ok=True)
        pictures.save_png(image, self.folder / f"step-{run.step:08d}.png")


class RealAndFake(Sink):
    """Real pictures on the left, fakes on the right; the newest as a file.

    Args:
        every: steps between two.
        path: the file.
        sampler: draws the fakes.
        real: as many real pictures [N, C, H, W] in [-1, 1], those of the same classes.
        columns: pictures per row, on each side.
        tensorboard: also gets each.
    """

    def __init__(
        self,
        every: int,
        path: Path,
        sampler: Sampler,
        real: Tensor,
        columns: int | None,
        tensorboard: TensorBoard,
    ) -> None:
        super().__init__(every)
        self.path, self.sampler, self.columns = path, sampler, columns
        self.tensorboard = tensorboard
        self.left = pictures.captioned(pictures.grid(real, columns), "real")

    def write(self, run: Run) -> None:
        """Draw, save and show."""
        fakes = pictures.grid(self.sampler.draw(run), self.columns)
        image = pictures.beside(self.left, pictures.captioned(fakes, "fake"))
        self.tensorboard.show("samples/real_and_fake", image, run.step)
        pictures.save_png(image, self.path)


class Interpolation(Sink):
    """Walks between fixed latents, one a row; the newest as a file.

    Where the pictures change smoothly, the generator has not learned single pictures by heart.

    Args:
        every: steps between two.
        path: the file.
        generator: draws where no mean of its weights is kept.
        seed: of the latents.
        tensorboard: also gets each.
    """

    def __init__(
        self, every: int, path: Path, generator: Generator, seed: int, tensorboard: TensorBoard
    ) -> None:
        super().__init__(every)
        self.path, self.tensorboard = path, tensorboard
        stations = sampling.draw_latents(ROWS + 1, generator.latent_dim, seed)
        labels = sampling.spread_labels(ROWS + 1, generator.n_classes)
        self.sampler = Sampler(generator, *sampling.lay_out_walk(stations, labels, FRAMES))

    def write(self, run: Run) -> None:
        """Draw, save and show."""
        image = pictures.grid(self.sampler.draw(run), FRAMES)
        self.tensorboard.show("samples/interpolation", image, run.step)
        pictures.save_png(image, self.path)
