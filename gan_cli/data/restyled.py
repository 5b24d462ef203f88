"""Two styles of images with no pair among them, made from any images."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.dataset import Dataset
from gan_cli.data.fields import Field, Fields
from gan_cli.data.wrapper import Wrapper
from gan_cli.errors import UserError
from gan_cli.ranges import Natural


class Restyled(Wrapper):
    """Unpaired: one half of the images as they are (`a`), the other half in another style (`b`).

    The halves are drawn at random, always the same, and are disjoint: no image of `b` has its
    original in `a`.

    Args:
        images: where they come from; it needs a field `image`. A `label` becomes `label_a` and
            `label_b`.
        thicken: pixels by which the bright parts of `b` grow to each side.
        invert: whether bright and dark change places in `b`, after that.

    Raises:
        ValueError: neither is asked for.
    """

    def __init__(self, images: Dataset, thicken: Natural = 1, invert: bool = True) -> None:
        super().__init__(images)
        if not thicken and not invert:
            raise ValueError(
                "thicken=0 and invert=false: both styles are the same, set one of them"
            )
        self._thicken, self._invert = thicken, invert

    @property
    def fields(self) -> Fields:
        """`a` and `b`, images of one shape in groups of their own, each with its label."""
        sides = {side: self.image_field(side) for side in "ab"}
        if "label" not in self.images.fields:
            return sides
        return sides | {f"label_{side}": Field("label", group=side) for side in "ab"}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Half of the images each."""
        total = self.images.sizes[""]
        return {"a": total - total // 2, "b": total // 2}

    def prepare(self) -> None:
        """Prepare the images.

        Raises:
            UserError: they are not there or not usable, or too few for two sides.
        """
        super().prepare()
        if not self.sizes["b"]:
            raise UserError("data: side 'b' is empty, two images are the least; raise data.limit")

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, C, H, W] each, and labels."""
        data = self.images.load()
        total, first = len(data["image"]), self.sizes["a"]
        order = torch.randperm(total, generator=randomness.generator("halves", total))
        a, b = order[:first].sort().values, order[first:].sort().values
        halves = {"a": data["image"][a], "b": self._restyle(data["image"][b])}
        if "label" in data:
            halves |= {"label_a": data["label"][a], "label_b": data["label"][b]}
        return halves

    def _restyle(self, images: Tensor) -> Tensor:
        if self._thicken:
            size = 2 * self._thicken + 1
            images = F.max_pool2d(images.float(), size, 1, self._thicken).to(torch.uint8)
        return 255 - images if self._invert else images
