"""What a sample is made of: named fields, declared by the dataset and asked for by the game."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

Kind = Literal["image", "point", "wave", "label"]

Batch = Mapping[str, Tensor]
"""Samples by field, [N, *shape] each: `image` and `label`, `source` and `target`, `a` and `b`, or
`wave`.

Images and waves are float32 in [-1, 1], labels int64.
"""


@dataclass(frozen=True)
class Field:
    """One field of every sample.

    Attributes:
        kind: what a person would see: an image, a point in the plane, a wave, a label.
        shape: of one sample: (C, H, W) of an image, (2, 1, 1) of a point (an image of one pixel
            whose channels are x and y), (1, 1, T) of a wave (a row of T samples), () of a label.
        group: fields of one group belong together, as an image and its label do. Groups are drawn
            independently of each other, as the two sides of unpaired data are.
        rate: samples a second of a wave; 0 of what is none.
    """

    kind: Kind
    shape: tuple[int, ...] = ()
    group: str = ""
    rate: int = 0

    def __str__(self) -> str:
        speed = f" at {self.rate} Hz" if self.rate else ""
        return f"{self.kind} {'x'.join(map(str, self.shape))}".rstrip() + speed

    def to_plain(self) -> dict[str, Any]:
        """As a checkpoint holds it."""
        rate = {"rate": self.rate} if self.rate else {}
        return {"kind": self.kind, "shape": list(self.shape), "group": self.group, **rate}


Fields = Mapping[str, Field]


def fingerprint(tensors: Mapping[str, Tensor], text: str = "") -> str:
    """16 hex digits that change with any value, name, shape or type of data, or with a text."""
    digest = hashlib.sha256(text.encode())
    for name, values in tensors.items():
        digest.update(repr((name, values.shape, values.dtype)).encode())
        digest.update(memoryview(values.contiguous().numpy()))  # type: ignore[arg-type]
    return digest.hexdigest()[:16]
