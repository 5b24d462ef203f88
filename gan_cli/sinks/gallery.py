"""Which pictures a run leaves, by its data."""

import functools
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.batches import Batches
from gan_cli.games import latents as sampling
from gan_cli.games.losses import Loss
from gan_cli.networks.roles import Discriminator, Generator
from gan_cli.sinks.film import Film
from gan_cli.sinks.samples import Interpolation, RealAndFake, Sampler, Samples
from gan_cli.sinks.sink import Sink
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.viz import images as pictures
from gan_cli.viz.decision_boundary import decision_surface

COUNT = 64
POINTS = 2048
WIDEST = 16
"""Classes that get a column of a grid."""


def gallery(
    every: int,
    folder: Path,
    networks: tuple[Generator, Discriminator],
    loss: Loss,
    batches: Batches,
    seed: int,
    step: int,
    tensorboard: TensorBoard,
) -> Sequence[Sink]:
    """The sinks of pictures, one class a column where the generator is told the class.

    Pictures get a grid, real beside fake, walks between latents, and a film of the grids; 2-D
    points a scatter plot over D's decision surface, and its film.

    Args:
        every: steps between two of each; 0 for none at all.
        folder: the run's.
        networks: G and D.
        loss: says at which score D is undecided.
        batches: where real pictures are looked up, without drawing any.
        seed: of the latents, and of which real pictures are shown.
        step: the run's present one.
        tensorboard: also gets everything.
    """
    if not every:
        return ()
    generator, discriminator = networks
    columns = min(generator.n_classes, WIDEST) or None
    points = pictures.are_points(batches.look_up(torch.tensor([0])).x)
    count = POINTS if points else COUNT
    if columns:
        count = max(count // columns, 1) * columns
    z = sampling.draw_latents(count, generator.latent_dim, seed)
    y = sampling.spread_labels(count, generator.n_classes, range(columns or 0))
    sampler, grids = Sampler(generator, z, y), folder / "samples"
    film = Film(folder / "training.gif", grids, step, tensorboard)
    if points:
        real = batches.look_up(torch.arange(min(count, batches.size))).x
        surface = functools.partial(
            decision_surface,
            discriminator,
            discriminator.n_classes,
            undecided=loss.undecided,
            sure=loss.sure,
        )
        return Samples(every, grids, sampler, None, tensorboard, real, surface), film
    real = choose_real(batches, y, count, seed)
    return (
        Samples(every, grids, sampler, columns, tensorboard),
        RealAndFake(every, folder / "real_and_fake.png", sampler, real, columns, tensorboard),
        Interpolation(every, folder / "interpolation.png", generator, seed, tensorboard),
        film,
    )


def choose_real(batches: Batches, y: Tensor | None, count: int, seed: int) -> Tensor:
    """`count` real pictures [count, C, H, W] in [-1, 1], always the same for a seed.

    Args:
        batches: where they are looked up.
        y: the classes wanted, [count]; None for any. A class without pictures stays gray.
        count: how many; a small dataset's are repeated.
        seed: of the choice.
    """
    order = torch.randperm(batches.size, generator=randomness.generator("real", seed))
    if y is None or batches.labels is None:
        return batches.look_up(order[torch.arange(count) % batches.size]).x
    labels = batches.labels.cpu()[order]
    index = torch.full((count,), -1)
    for label in y.unique():
        cells, own = (y == label).nonzero().flatten(), order[labels == label]
        if len(own):
            index[cells] = own[torch.arange(len(cells)) % len(own)]
    real = batches.look_up(index.clamp_min(0)).x
    return real.where((index >= 0).view(-1, 1, 1, 1), 0.0)
