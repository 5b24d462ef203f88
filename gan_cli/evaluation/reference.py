"""The real pictures a checkpoint is measured against, and others held out."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.config.schema import check, relink, trusted_in_checkpoint
from gan_cli.config.signatures import build
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


class HeldOut(NamedTuple):
    """Real pictures that were not trained on.

    Attributes:
        images: uint8 [N, C, H, W], or float32 for points, in an order that is always the same.
        labels: int64 [N], or None.
        split: their name.
    """

    images: Tensor
    labels: Tensor | None
    split: str


def open_reference(
    content: Mapping[str, Any], choice: Choice, trust: Sequence[str], count: int
) -> Reference:
    """Read the data of a checkpoint's run: see `read_reference`.

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
    return read_reference(check(config, trusted)["data"], trusted, count)


def read_reference(data: Mapping[str, Any], trusted: Sequence[str] | None, count: int) -> Reference:
    """Read what a checked `data:` config describes, and hold others out.

    Held out is what `read_held_out` returns, or a tenth of data that comes in one piece.

    Args:
        data: the section `data` of a checked config.
        trusted: see `check.locate`.
        count: how many to hold out at most: as many as there are fakes, for figures to compare.

    Raises:
        UserError: the data is not there, too little or too much.
    """
    dataset, images, labels = _read(data, trusted)
    held_out = read_held_out(data, trusted)
    name = _name(data)
    if held_out is None:
        cut, name = len(images) // HELD_OUT_SHARE, "nine tenths"
        others = None if labels is None else labels[:cut]
        held_out = HeldOut(images[:cut], others, "one tenth")
        images, labels = images[cut:], None if labels is None else labels[cut:]
    if min(len(held_out.images), len(images)) < FEWEST:
        raise UserError(
            f"data: {len(images)} real pictures and {len(held_out.images)} held out are too few to "
            f"measure against; {FEWEST * HELD_OUT_SHARE} are the least, thousands make sense"
        )
    others = None if held_out.labels is None else held_out.labels[:count]
    few = held_out.images[:count].clone()  # a view would keep all of them in memory
    return Reference(dataset, images, labels, name, few, others, held_out.split)


def read_held_out(data: Mapping[str, Any], trusted: Sequence[str] | None) -> HeldOut | None:
    """The other split, or points of another seed: all of it, whatever the limit.

    None where the data comes in one piece.

    Args:
        data: the section `data` of a checked config.
        trusted: see `check.locate`.

    Raises:
        UserError: it is not there, or too much.
    """
    if "split" in data:
        other: dict[str, Any] = {"split": "test" if data["split"] == "train" else "train"}
    elif "seed" in data:
        other = {"seed": data["seed"] + 1}
    else:
        return None
    whole = {"limit": None} if "limit" in data else {}
    data = {**data, **other, **whole}
    _, images, labels = _read(data, trusted)
    return HeldOut(images, labels, _name(data))


def _name(data: Mapping[str, Any]) -> str:
    return data["split"] if "split" in data else f"seed {data.get('seed')}"


def _read(
    data: Mapping[str, Any], trusted: Sequence[str] | None
) -> tuple[Dataset, Tensor, Tensor | None]:
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
