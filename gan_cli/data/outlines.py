"""Outlines and what they are filled with: pairs to translate between, made from any images."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_cli.data.fields import Fields
from gan_cli.data.wrapper import Wrapper

_FINER = 4  # outlines are drawn on a grid this much finer, and averaged: lines thinner than a pixel


class Outlines(Wrapper):
    """Pairs: the outline of an image's bright parts as `source`, the image itself as `target`.

    Args:
        images: where they come from; it needs a field `image`. A `label` is passed on.
    """

    @property
    def fields(self) -> Fields:
        """`source` and `target`, images of one shape, and `label` where there are classes."""
        fields = self.images.fields
        rest = {"label": fields["label"]} if "label" in fields else {}
        return {"source": self.image_field(), "target": self.image_field(), **rest}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of pairs."""
        return self.images.sizes

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, C, H, W] each, and labels."""
        data = self.images.load()
        target = data.pop("image")
        source = torch.cat([outline(part) for part in target.split(1024)])  # bounds its memory
        return {"source": source, "target": target, **data}


def outline(images: Tensor) -> Tensor:
    """Morphological gradient (dilation minus erosion) of thresholded images, as thin white lines.

    The threshold lies halfway between an image's darkest and brightest value.

    Args:
        images: uint8 [N, C, H, W].

    Returns:
        uint8 [N, C, H, W], the same in all channels.
    """
    gray = images.float().mean(1, keepdim=True)
    low, high = gray.amin((1, 2, 3), keepdim=True), gray.amax((1, 2, 3), keepdim=True)
    size = [side * _FINER for side in images.shape[-2:]]
    fine = F.interpolate(gray, size=size, mode="bicubic")
    inside = (fine > (low + high) / 2).float()
    grown = F.max_pool2d(inside, 3, 1, 1)
    shrunk = -F.max_pool2d(-inside, 3, 1, 1)
    lines = F.avg_pool2d(grown - shrunk, _FINER) * 2  # a line is two fine pixels wide, half of one
    return (lines.clamp(max=1) * 255).round().to(torch.uint8).expand_as(images).contiguous()
