"""What gan-evaluate does: fakes and real pictures in, figures on the screen and in a file out."""

import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
from annotated_types import Ge
from omegaconf import DictConfig
from torch import Tensor
from tqdm import tqdm

from gan_cli import sampling
from gan_cli.build import open_device
from gan_cli.checkpointed import load_generator
from gan_cli.config import check
from gan_cli.data.gaussians import Gaussians
from gan_cli.errors import UserError
from gan_cli.metrics.cache import cache_folder
from gan_cli.metrics.classifier import load_or_train
from gan_cli.metrics.features import extract
from gan_cli.metrics.figures import Comparison, Figure, accuracy, table
from gan_cli.metrics.inception import Inception, fetch_weights
from gan_cli.networks.roles import Generator
from gan_cli.pictures import are_points, to_bytes
from gan_cli.ranges import Natural
from gan_cli.reference import Choice, Reference, open_reference
from gan_cli.sinks.checkpoint import load_newest

log = logging.getLogger(__name__)

CHUNK = 1000
"""Fakes made before they are put away as bytes."""


@dataclasses.dataclass
class Evaluation:
    """The keys of conf/evaluate.yaml."""

    checkpoint: str
    count: Annotated[int, Ge(10)]  # neighbourhoods take 5 others
    seed: Natural
    ema: bool
    out: str | None
    inception: str
    device: str
    trust: list[str]
    data: Choice


def evaluate(config: DictConfig) -> Path:
    """Measure as `config` says, print it and write it; returns where.

    Raises:
        UserError: a bad key, a checkpoint or data that cannot be used, nothing to measure by.
    """
    checked = check(config, wanted=Evaluation)
    order = Evaluation(**{**checked, "data": Choice(**checked["data"])})
    device = open_device(order.device, "device")
    found, content = load_newest(Path(order.checkpoint).expanduser())
    generator = load_generator(content, average=order.ema, trust=order.trust).to(device)
    reference = open_reference(content, order.data, order.trust, order.count)
    y = sampling.spread_labels(order.count, generator.n_classes)
    fakes = make_fakes(generator, order.count, order.seed, y)
    about = {
        "checkpoint": str(found),
        "step": content["state"].get("step"),
        "ema": order.ema and content["state"].get("average") is not None,
        "seed": order.seed,
        "count": order.count,
    }
    log.info(
        "%s, step %s: %d fakes%s against %d real pictures (%s); held out: %d (%s)",
        *(found, about["step"], order.count, " from the mean of weights" if about["ema"] else ""),
        *(len(reference.images), reference.split),
        *(len(reference.held_out), reference.held_out_split),
    )
    figures: list[Figure] = []
    for group in measure(reference, fakes, y, order, device):
        log.info("%s\n%s", group[0].extractor, table(group))
        figures += group
    out = Path(order.out) if order.out else _run_folder(found) / "evaluation.json"
    whole = {**about, "figures": [dataclasses.asdict(figure) for figure in figures]}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({error.strerror})") from error
    log.info("written to %s", out)
    return out


def make_fakes(generator: Generator, count: int, seed: int, y: Tensor | None) -> Tensor:
    """`count` samples, always the same for a seed, on the CPU: uint8, or float32 for points.

    Raises:
        UserError: the generator's numbers are not finite.
    """
    z = sampling.draw_latents(count, generator.latent_dim, seed)
    parts = []
    bar = tqdm(total=count, desc="fakes", unit="img", leave=False, disable=None, delay=2)
    with bar:
        for start in range(0, count, CHUNK):
            rows = slice(start, start + CHUNK)
            part = sampling.generate(generator, z[rows], None if y is None else y[rows])
            if not part.isfinite().all():
                raise UserError("the checkpoint's generator makes NaN or Inf; take an earlier one")
            parts.append(part if are_points(part) else to_bytes(part))
            bar.update(len(part))
    return torch.cat(parts)


def measure(
    reference: Reference, fakes: Tensor, y: Tensor | None, order: Evaluation, device: torch.device
) -> Iterator[list[Figure]]:
    """The figures of each extractor that fits the data.

    Raises:
        UserError: none fits.
    """
    dataset = reference.dataset
    if isinstance(dataset, Gaussians):
        held_out, points = reference.held_out.flatten(1), fakes.flatten(1)
        about = _comparison(reference, "points in the plane", order.seed)
        yield about.modes(held_out, points, dataset.centres, dataset.std)
        return
    labelled = reference.labels is not None and dataset.n_classes > 1
    inception = _open_inception(order.inception, dataset.channels, required=not labelled)
    if labelled:
        yield _by_classifier(reference, fakes, y, order.seed, device)
    if inception is not None:
        yield _by_inception(inception.to(device).eval(), reference, fakes, order.seed, device)


def _comparison(reference: Reference, extractor: str, seed: int) -> Comparison:
    return Comparison(extractor, reference.split, reference.held_out_split, seed)


def _by_classifier(
    reference: Reference, fakes: Tensor, y: Tensor | None, seed: int, device: torch.device
) -> list[Figure]:
    assert reference.labels is not None
    assert reference.held_out_labels is not None
    n_classes = reference.dataset.n_classes
    network = load_or_train(reference.images, reference.labels, n_classes, cache_folder(), device)
    real, held_out, fake = (
        extract(network, x, device) for x in (reference.images, reference.held_out, fakes)
    )
    right = accuracy(held_out, reference.held_out_labels)
    about = _comparison(reference, f"classifier ({right:.1%} right on held-out reals)", seed)
    figures = about.fidelity(
        *(real.features, held_out.features, fake.features), "fd_classifier", "kd_classifier"
    )
    figures += about.classes(held_out, fake)
    if y is not None:
        figures.append(about.label_accuracy(held_out, reference.held_out_labels, fake, y))
    return figures


def _by_inception(
    network: Inception, reference: Reference, fakes: Tensor, seed: int, device: torch.device
) -> list[Figure]:
    real, held_out, fake = (
        extract(network, x, device) for x in (reference.images, reference.held_out, fakes)
    )
    about = _comparison(reference, "Inception v3 (2015)", seed)
    figures = about.fidelity(real.features, held_out.features, fake.features, "fid", "kid")
    return [*figures, about.inception_score(held_out.probabilities, fake.probabilities)]


def _open_inception(choice: str, channels: int, *, required: bool) -> Inception | None:
    """Inception, or None where it does not fit or is not there and other measures are.

    Raises:
        UserError: there is nothing else to measure by, or the weights asked for cannot be used.
    """
    fits = channels == 3
    if choice not in ("auto", "none"):
        if not fits:
            raise UserError("inception: it sees RGB and these are not; leave inception out")
        return Inception(Path(choice))
    try:
        if not fits:
            raise UserError("nothing to measure by: pictures that are not RGB need labels")
        if choice == "none":
            raise UserError("inception=none: nothing else to measure by, as there are no labels")
        return Inception(fetch_weights())
    except UserError as error:
        if required:
            raise
        if fits and choice == "auto":
            log.warning("without FID, KID and IS: %s", error)
        return None


def _run_folder(checkpoint: Path) -> Path:
    """The folder of the run a checkpoint belongs to, else that in which it lies."""
    folder = checkpoint.parent
    return folder.parent if folder.name == "checkpoints" else folder
