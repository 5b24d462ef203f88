"""A dataset made from another dataset's images."""

from typing import Self

from gan_cli.data.dataset import Dataset
from gan_cli.data.fields import Field


class Wrapper(Dataset):
    """What datasets that change another's images have in common.

    Args:
        images: where they come from.

    Raises:
        ValueError: it has no images.
    """

    def __init__(self, images: Dataset) -> None:
        field = images.fields.get("image")
        if field is None or field.kind != "image" or field.group:
            raise ValueError(f"images: {type(images).__name__} has no field `image` of images")
        self.images, self.local = images, images.local
        self.image_size, self.channels = images.image_size, images.channels
        self.n_classes, self.class_names = images.n_classes, images.class_names

    def prepare(self) -> None:
        """Prepare the images.

        Raises:
            UserError: they are not there or not usable.
        """
        self.images.prepare()
        self.n_classes, self.class_names = self.images.n_classes, self.images.class_names

    @property
    def part(self) -> str:
        """That of the images."""
        return self.images.part

    def held_out(self) -> Self | None:
        """The same made of the images' other part."""
        images = self.images.held_out()
        return None if images is None else self._changed(images=images)

    def whole(self) -> Self:
        """The same made of all images."""
        return self._changed(images=self.images.whole())

    def image_field(self, group: str = "") -> Field:
        """An image as the wrapped dataset has them, in a group."""
        return Field("image", self.images.fields["image"].shape, group)
