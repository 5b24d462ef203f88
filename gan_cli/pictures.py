"""Tensors to pictures a person can look at."""

import math
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.utils import make_grid

SMALLEST = 48
"""Pictures in a grid are enlarged by a whole factor until they are about this wide."""


def to_bytes(images: Tensor) -> Tensor:
    """Pictures in [-1, 1] to uint8 in [0, 255], same shape."""
    return ((images.clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8)


def are_points(images: Tensor) -> bool:
    """Whether [N, C, H, W] holds 2-D points instead of pictures."""
    return tuple(images.shape[1:]) == (2, 1, 1)


def grid(images: Tensor, columns: int | None = None, real: Tensor | None = None) -> Tensor:
    """One picture, uint8 [3, H, W], of pictures [N, C, H, W]; 2-D points become a scatter plot.

    Args:
        images: what to show, float in [-1, 1].
        columns: pictures per row; as square as possible by default.
        real: for points, what to draw underneath.
    """
    if are_points(images):
        return scatter(images, real)
    factor = max(1, round(SMALLEST / images.shape[-1])) if images.shape[-1] < SMALLEST else 1
    shown = interpolate(to_bytes(images).float(), scale_factor=factor, mode="nearest")
    return make_grid(shown, nrow=columns or math.ceil(math.sqrt(len(images)))).to(torch.uint8)


def scatter(points: Tensor, real: Tensor | None = None, size: int = 480) -> Tensor:
    """Points [N, 2, 1, 1] in [-1, 1] over real ones, as a picture uint8 [3, size, size]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size / 100, size / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
    axes.set_axis_off()
    if real is not None:
        axes.scatter(real[:, 0], real[:, 1], s=6, color="#b8b8b8", linewidths=0)
    axes.scatter(points[:, 0], points[:, 1], s=6, color="#d1495b", alpha=0.6, linewidths=0)
    canvas.draw()
    rgba = torch.frombuffer(bytearray(canvas.buffer_rgba()), dtype=torch.uint8)
    return rgba.view(size, size, 4)[..., :3].permute(2, 0, 1).contiguous()  # [H, W, 4] -> [3, H, W]


def to_pil(image: Tensor) -> Image.Image:
    """A picture uint8 [C, H, W] as Pillow knows it."""
    array = image.permute(1, 2, 0).numpy()  # [C, H, W] -> [H, W, C]
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def save_png(image: Tensor, path: Path) -> None:
    """Write a picture uint8 [C, H, W]; a reader never sees half of it."""
    unfinished = path.with_name(path.name + ".tmp")
    to_pil(image).save(unfinished, format="PNG")
    unfinished.replace(path)


def save_gif(frames: list[Tensor], path: Path, seconds: float = 0.1) -> None:
    """Write frames uint8 [C, H, W] as an endless animation, `seconds` each."""
    first, *rest = [to_pil(frame) for frame in frames]
    first.save(path, save_all=True, append_images=rest, duration=round(1000 * seconds), loop=0)
