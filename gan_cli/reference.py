"""The real pictures a checkpoint is measured against, and others held out."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.check import build
from gan_cli.config import check, relink, trusted_in_checkpoint
from gan_cli.data.dataset import Dataset
from gan_cli.errors import UserError
from gan_cli.ranges import Count

GIB = 2**30
FEWEST = 10
"""Real pictures without which nothing can be measured."""
HELD_OUT_SHARE = 10
"""One in so many is held out where the data comes in one piece."""


@dataclasses.dataclass
class Choice:
    """Which data to measure against, where it is not as in the checkpoint.

    Attributes:
        root: where it is now.
        limit: how many pictures; None for all, whatever the run was trained on.
    """

    root: str | None = None
    limit: Count | None = None


@dataclasses.dataclass
class Reference:
    """Real pictures, uint8 [N, C, H, W], or float32 [N, 2, 1, 1] for points.

    Attributes:
        dataset: what they come from.
        images: the reference, in random order.
        labels: int64 [N], or None.
        split: the reference's name, such as `train`.
        held_out: others, of the same kind, in random order.
        held_out_labels: theirs.
        held_out_split: their name.
    """

    dataset: Dataset
    images: Tensor
    labels: Tensor | None
    split: str
    held_out: Tensor
    held_out_labels: Tensor | None
    held_out_split: str


def open_reference(
    content: Mapping[str, Any], choice: Choice, trust: Sequence[str], count: int
) -> Reference:
    """Read the data of a checkpoint's run.

    Held out is the other split, points of another seed, or a tenth of data that has neither.

    Args:
        content: the checkpoint's.
        choice: what differs from the checkpoint.
        trust: packages, besides this one, whose classes its config may name.
        count: how many to hold out at most: as many as there are fakes, for figures to compare.

    Raises:
        UserError: the data is not there, too little or too much.
    """
    trusted = trusted_in_checkpoint(trust)
    config = relink(content["config"], content.get("links", {}))
    for key, value in dataclasses.asdict(choice).items():
        if key in config.data and (value is not None or key == "limit"):
            config.data[key] = value
        elif value is not None:
            raise UserError(f"data.{key}: this run's data has no such key; leave it out")
    data = check(config, trusted)["data"]
    dataset, images, labels = _read(data, trusted)
    if "split" in data:
        names = (data["split"], "test" if data["split"] == "train" else "train")
        _, others, other_labels = _read({**data, "split": names[1]}, trusted)
    elif "seed" in data:
        names = (f"seed {data['seed']}", f"seed {data['seed'] + 1}")
        _, others, other_labels = _read({**data, "seed": data["seed"] + 1}, trusted)
    else:
        names = ("nine tenths", "one tenth")
        cut = len(images) // HELD_OUT_SHARE
        others, images = images[:cut], images[cut:]
        if labels is not None:
            other_labels, labels = labels[:cut], labels[cut:]
        else:
            other_labels = None
    if min(len(others), len(images)) < FEWEST:
        raise UserError(
            f"data: {len(images)} real pictures and {len(others)} held out are too few to measure "
            f"against; {FEWEST * HELD_OUT_SHARE} are the least, thousands make sense"
        )
    if other_labels is not None:
        other_labels = other_labels[:count]
    return Reference(dataset, images, labels, names[0], others[:count], other_labels, names[1])


def _read(data: Mapping[str, Any], trusted: Sequence[str]) -> tuple[Dataset, Tensor, Tensor | None]:
    """A dataset and all its pictures and labels, in an order that is always the same."""
    try:
        dataset: Dataset = build(data, trusted)
    except ValueError as error:
        raise UserError(f"data: {error}") from error
    dataset.prepare()
    needed = len(dataset) * dataset.channels * dataset.image_size**2 / GIB
    if needed > data["memory_limit"]:
        fitting = int(len(dataset) * data["memory_limit"] / needed)
        raise UserError(
            f"data: {len(dataset)} pictures take {needed:.1f} GiB; compare with fewer of them, "
            f"data.limit={fitting}"
        )
    pictures = dataset.load()
    draw = randomness.generator("reference")
    order = torch.randperm(len(pictures.images), generator=draw)
    labels = None if pictures.labels is None else pictures.labels[order]
    return dataset, pictures.images[order], labels
