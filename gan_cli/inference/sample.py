"""What gan-sample does: latents and labels in, pictures in the form that was asked for out."""

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from omegaconf import DictConfig
from torch import Tensor

from gan_cli.assembly.build import open_device
from gan_cli.config.schema import check
from gan_cli.config.signatures import raise_if_any
from gan_cli.errors import UserError
from gan_cli.games import latents as sampling
from gan_cli.inference.load import load_generator
from gan_cli.ranges import Count, Natural, Positive
from gan_cli.sinks.checkpoint import load_newest
from gan_cli.viz import images as pictures

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Drawing:
    """The keys of conf/sample.yaml."""

    checkpoint: str
    count: Count
    out: str
    seed: Natural
    label: Natural | list[Natural] | None
    ema: bool
    interpolate: Count | None
    truncation: Positive | None
    device: str
    trust: list[str]


def draw(config: DictConfig) -> Path:
    """Draw as `config` says and write it; returns where.

    Raises:
        UserError: a bad key, a checkpoint that cannot be used, a label the model does not know.
    """
    order = Drawing(**check(config, wanted=Drawing))
    out = Path(order.out)
    write = _writer(order)
    device = open_device(order.device, "device")
    found, content = load_newest(Path(order.checkpoint).expanduser())
    network = load_generator(content, average=order.ema, trust=order.trust).to(device)
    labels = [order.label] if isinstance(order.label, int) else order.label
    _check_labels(labels, network.n_classes)

    z = sampling.draw_latents(order.count, network.latent_dim, order.seed, order.truncation)
    y = sampling.spread_labels(order.count, network.n_classes, labels)
    if order.interpolate:
        if order.count < 2:
            raise UserError("count=1: a walk needs two ends; take count=2 or more")
        z, y = sampling.lay_out_walk(z, y, order.interpolate)
    images = sampling.generate(network, z, y)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(images, y, out)
    except OSError as error:
        raise UserError(f"out={order.out}: cannot be written ({error.strerror})") from error
    log.info("%d pictures from %s in %s", len(images), found, out)
    return out


def _check_labels(labels: list[int] | None, n_classes: int) -> None:
    if labels is None:
        return
    if not labels:
        raise UserError("label=[]: name at least one class, or leave label out")
    if not n_classes:
        raise UserError("label: this model was trained without labels; leave label out")
    raise_if_any(
        {
            str(label): f"label={label}: the model knows the classes 0 to {n_classes - 1}"
            for label in labels
            if label >= n_classes
        }
    )


def _writer(order: Drawing) -> Callable[[Tensor, Tensor | None, Path], None]:
    """How `out` wants to be written."""
    if not order.out:
        raise UserError("out: name a file or a folder")
    if order.out.endswith("/") or Path(order.out).is_dir():
        return _write_folder
    writers = {".npz": _write_npz, ".gif": _write_gif, ".png": _grid_writer(order.interpolate)}
    try:
        return writers[Path(order.out).suffix.lower()]
    except KeyError as error:
        raise UserError(
            f"out={order.out}: end it in .png (grid), .npz, .gif or / (one PNG each)"
        ) from error


def _grid_writer(columns: int | None) -> Callable[[Tensor, Tensor | None, Path], None]:
    def write(images: Tensor, y: Tensor | None, out: Path) -> None:
        across = columns or (None if y is None else min(len(y.unique()), 16))
        if across == 1:
            across = None
        pictures.save_png(pictures.grid(images, columns=across), out)

    return write


def _write_npz(images: Tensor, y: Tensor | None, out: Path) -> None:
    if pictures.are_points(images):
        arrays = {"points": images.flatten(1).numpy()}  # [N, 2, 1, 1] -> [N, 2]
    else:
        arrays = {"images": pictures.to_bytes(images).permute(0, 2, 3, 1).numpy()}  # [N, H, W, C]
    if y is not None:
        arrays["labels"] = y.numpy()
    np.savez_compressed(out, allow_pickle=False, **arrays)


def _write_gif(images: Tensor, y: Tensor | None, out: Path) -> None:
    pictures.save_gif([pictures.grid(image[None], columns=1) for image in images], out)


def _write_folder(images: Tensor, y: Tensor | None, out: Path) -> None:
    if pictures.are_points(images):
        raise UserError(f"out={out}/: these are 2-D points, not pictures; end it in .png or .npz")
    out.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(pictures.to_bytes(images)):
        suffix = "" if y is None else f"-class{int(y[number])}"
        pictures.save_png(image, out / f"{number:05d}{suffix}.png")
