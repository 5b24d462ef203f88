"""What a sample is made of: named fields, declared by the dataset and asked for by the game."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

Kind = Literal["image", "point", "wave", "label"]

Batch = Mapping[str, Tensor]
"""Samples by field, [N, *shape] each: `image` and `label`, `source` and `target`, or `a` and `b`.

Images and waves are float32 in [-1, 1], labels int64.
"""


@dataclass(frozen=True)
class Field:
    """One field of every sample.

    Attributes:
        kind: what a person would see: an image, a point in the plane, a wave, a label.
        shape: of one sample: (C, H, W) of an image, (2, 1, 1) of a point (an image of one pixel
            whose channels are x and y), () of a label.
        group: fields of one group belong together, as an image and its label do. Groups are drawn
            independently of each other, as the two sides of unpaired data are.
    """

    kind: Kind
    shape: tuple[int, ...] = ()
    group: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {'x'.join(map(str, self.shape))}".rstrip()

    def to_plain(self) -> dict[str, Any]:
        """As a checkpoint holds it."""
        return {"kind": self.kind, "shape": list(self.shape), "group": self.group}


Fields = Mapping[str, Field]


def fingerprint(tensors: Mapping[str, Tensor], text: str = "") -> str:
    """16 hex digits that change with any value, name, shape or type of data, or with a text."""
    digest = hashlib.sha256(text.encode())
    for name, values in tensors.items():
        digest.update(repr((name, values.shape, values.dtype)).encode())
        digest.update(memoryview(values.contiguous().numpy()))  # type: ignore[arg-type]
    return digest.hexdigest()[:16]
