"""Small images and the large ones that they were made of: pairs to enlarge, from any images."""

from collections.abc import Mapping

from torch import Tensor

from gan_cli.data.dataset import Dataset
from gan_cli.data.fields import Field, Fields
from gan_cli.data.images import resize
from gan_cli.data.wrapper import Wrapper
from gan_cli.ranges import Count


class LowResolution(Wrapper):
    """Pairs: an image made smaller (bicubic, antialiased) as `source`, itself as `target`.

    Args:
        images: where they come from; it needs a field `image`. A `label` is passed on.
        scale: how many times smaller.

    Raises:
        ValueError: `scale` is 1 or does not divide the images' size.
    """

    def __init__(self, images: Dataset, scale: Count = 4) -> None:
        super().__init__(images)
        require_scale(scale, images.image_size)
        self.scale = scale

    @property
    def fields(self) -> Fields:
        """`source` and `target`, and `label` where there are classes."""
        fields = self.images.fields
        rest = {"label": fields["label"]} if "label" in fields else {}
        side = self.image_size // self.scale
        source = Field("image", (self.channels, side, side))
        return {"source": source, "target": self.image_field(), **rest}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of pairs."""
        return self.images.sizes

    def load(self) -> dict[str, Tensor]:
        """uint8 [N, C, H // scale, W // scale] and [N, C, H, W], and labels."""
        data = self.images.load()
        target = data.pop("image")
        return {"source": resize(target, self.image_size // self.scale), "target": target, **data}


def require_scale(scale: int, image_size: int) -> None:
    """Raise ValueError unless images of `image_size` pixels can be made `scale` times smaller."""
    if scale < 2 or image_size % scale or image_size == scale:
        raise ValueError(
            f"scale={scale}: image_size={image_size} cannot be made so many times smaller; "
            "choose a scale from 2 on that divides it"
        )
