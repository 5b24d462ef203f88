"""How labels enter a network."""

import torch
from torch import Tensor, nn


def required(y: Tensor | None, n_classes: int) -> Tensor:
    """Return the labels y [N] of a network that cannot do without.

    Raises:
        ValueError: there are none.
    """
    if y is None:
        raise ValueError(f"n_classes={n_classes}: this network needs labels, and none were given")
    return y


class AppendLabel(nn.Module):
    """Flatten, and append an embedding of the label in n_classes numbers (Mirza & Osindero 2014).

    Args:
        n_classes: 0 appends nothing.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        if n_classes:
            self.embedding = nn.Embedding(n_classes, n_classes)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, ...] with labels [N] -> [N, F + n_classes]."""
        x = x.flatten(1)
        if not self.n_classes:
            return x
        return torch.cat([x, self.embedding(required(y, self.n_classes))], dim=1)


class LabelPlane(nn.Module):
    """Append an embedding of the label as one more channel, a number per pixel.

    Args:
        n_classes: at least 1.
        image_size: H = W of the images.
    """

    def __init__(self, n_classes: int, image_size: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.embedding = nn.Embedding(n_classes, image_size**2)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """[N, C, H, W] with labels [N] -> [N, C + 1, H, W]."""
        plane = self.embedding(required(y, self.n_classes))  # [N, H*W]
        return torch.cat([x, plane.unflatten(1, (1, *x.shape[2:]))], dim=1)
