"""The images that a run leaves of its game."""

import functools
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.batches import Batches
from gan_cli.data.dataset import Dataset
from gan_cli.data.fields import Batch
from gan_cli.data.gaussians import Gaussians
from gan_cli.games.base import Game
from gan_cli.games.requests import LookUp
from gan_cli.metrics.modes import gaussian_coverage
from gan_cli.networks.modes import evaluating
from gan_cli.sinks.film import Film
from gan_cli.sinks.samples import KEPT, Remark, Samples, Surface
from gan_cli.sinks.sink import Sink
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.viz.decision_boundary import decision_surface


def open_gallery(
    every: int,
    folder: Path,
    game: Game,
    look_up: LookUp,
    class_names: Sequence[str],
    seed: int,
    step: int,
    tensorboard: TensorBoard,
    surface: Surface | None = None,
    remark: Remark | None = None,
) -> Sequence[Sink]:
    """The sinks of a game's sheets, and of the film that is made of those named `samples`.

    Args:
        every: steps between two of each sheet; 0 for none at all.
        folder: the run's.
        game: says what is shown.
        look_up: gives the real samples that are shown or fed.
        class_names: for headings over columns.
        seed: of what is random.
        step: the run's present one.
        tensorboard: also gets everything.
        surface: for 2-D data, what D makes of the plane; see `surface_of`.
        remark: likewise, what is said of the fakes; see `modes_counted`.
    """
    if not every:
        return ()
    return (
        Samples(
            *(every, folder, game.sheets(look_up, seed), class_names, tensorboard),
            *(surface, remark),
        ),
        Film(folder / "training.gif", folder / KEPT, step, tensorboard, captions=remark is None),
    )


def modes_counted(dataset: Dataset) -> Remark | None:
    """Says how many modes of a mixture points reach; None where the data is none."""
    if not isinstance(dataset, Gaussians):
        return None

    def remark(points: Tensor) -> str:
        found = gaussian_coverage(points.flatten(1).cpu(), dataset.centres, dataset.std)
        return f"{found.modes_hit} of {len(dataset.centres)} modes hit"

    return remark


def surface_of(game: Game) -> Surface | None:
    """What a game's only discriminator makes of the plane; None for one with several, or none.

    A labelled D is asked about every class, and its largest logit counts: is this a point of any?
    """
    if len(game.adversaries) != 1:
        return None
    adversary = game.adversary(next(iter(game.adversaries)))
    classes = range(getattr(adversary.network, "n_classes", 0))

    def logits(points: Tensor) -> Tensor:
        points = points.to(next(adversary.network.parameters()).device)
        labels: list[Tensor | None] = [None]
        if classes:
            labels = [torch.full((len(points),), n, device=points.device) for n in classes]
        with evaluating(adversary.network):
            found = [adversary.discriminate(points, label).logits for label in labels]
        return torch.stack(found).amax(0).cpu()

    loss = adversary.loss
    return functools.partial(
        decision_surface,
        logits,
        threshold=loss.decision_threshold,
        margin=loss.margin,
        evaluations=max(len(classes), 1),
    )


def fixed_reals(batches: Batches, seed: int) -> LookUp:
    """Real samples for a game's sheets, always the same for a seed.

    Where classes are asked for, those of the group that the field `label` belongs to are of them; a
    class without samples stays zero, which is gray. A small dataset's samples are repeated.
    """

    def look_up(count: int, label: Tensor | None) -> Batch:
        labelled = batches.fields["label"].group if batches.labels is not None else None
        index = {}
        for group, size in batches.sizes.items():
            order = torch.randperm(size, generator=randomness.generator("real", group, seed))
            if label is not None and group == labelled:
                assert batches.labels is not None
                index[group] = _of_classes(order, batches.labels.cpu()[order], label.cpu())
            else:
                index[group] = order[torch.arange(count) % size]
        found = dict(batches.look_up({group: at.clamp_min(0) for group, at in index.items()}))
        for name, field in batches.fields.items():
            if name in found and field.kind != "label":
                there = (index[field.group] >= 0).view(-1, *[1] * len(field.shape))
                found[name] = found[name].where(there, 0.0)
        return found

    return look_up


def _of_classes(order: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    """Places from `order` [M] whose `labels` [M] are those `wanted` [N]; -1 where there is none."""
    index = torch.full_like(wanted, -1)
    for label in wanted.unique():
        cells, own = (wanted == label).nonzero().flatten(), order[labels == label]
        if len(own):
            index[cells] = own[torch.arange(len(cells)) % len(own)]
    return index
