"""Tensors to pictures a person can look at, and pictures to files."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.utils import make_grid

from gan_cli.viz.charts import scatter

SMALLEST = 48
"""Pictures in a grid are enlarged by a whole factor until they are about this wide."""

CAPTION = 22
"""Height of the strip a caption stands in, in pixels."""


def to_bytes(images: Tensor) -> Tensor:
    """Pictures in [-1, 1] to uint8 in [0, 255], same shape."""
    return ((images.clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8)


def are_points(images: Tensor) -> bool:
    """Whether [N, C, H, W] holds 2-D points instead of pictures."""
    return tuple(images.shape[1:]) == (2, 1, 1)


def grid(
    images: Tensor,
    columns: int | None = None,
    real: Tensor | None = None,
    surface: Tensor | None = None,
) -> Tensor:
    """One picture, uint8 [3, H, W], of pictures [N, C, H, W]; 2-D points become a scatter plot.

    Args:
        images: what to show, float in [-1, 1].
        columns: pictures per row; as square as possible by default.
        real: for points, what to draw underneath.
        surface: for points, how D judges the plane; see `plots.scatter`.
    """
    if are_points(images):
        return scatter(images, real, surface)
    factor = max(1, round(SMALLEST / images.shape[-1])) if images.shape[-1] < SMALLEST else 1
    shown = interpolate(to_bytes(images).float(), scale_factor=factor, mode="nearest")
    return make_grid(shown, nrow=columns or math.ceil(math.sqrt(len(images)))).to(torch.uint8)


def beside(left: Tensor, right: Tensor, gap: int = 16) -> Tensor:
    """Two pictures uint8 [3, H, W] of one height as one, a white gap of `gap` pixels between."""
    between = torch.full((3, left.shape[1], gap), 255, dtype=torch.uint8)
    return torch.cat([left, between, right], dim=2)


def captioned(image: Tensor, text: str) -> Tensor:
    """A picture uint8 [3, H, W] over a line of text: [3, H + CAPTION, W]."""
    strip = Image.new("RGB", (image.shape[2], CAPTION), "white")
    centre = (strip.width // 2, CAPTION // 2)
    ImageDraw.Draw(strip).text(
        centre, text, fill="black", font=ImageFont.load_default(size=14), anchor="mm"
    )
    return torch.cat([image, from_pil(strip)], dim=1)


def to_pil(image: Tensor) -> Image.Image:
    """A picture uint8 [C, H, W] as Pillow knows it."""
    array = image.permute(1, 2, 0).numpy()  # [C, H, W] -> [H, W, C]
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def from_pil(image: Image.Image) -> Tensor:
    """Any picture of Pillow's as uint8 [3, H, W]."""
    rgb = image.convert("RGB")
    flat = torch.frombuffer(bytearray(rgb.tobytes()), dtype=torch.uint8)
    return flat.view(rgb.height, rgb.width, 3).permute(2, 0, 1).contiguous()  # -> [3, H, W]


def save_png(image: Tensor, path: Path) -> None:
    """Write a picture uint8 [C, H, W]; a reader never sees half of it."""
    file = io.BytesIO()
    to_pil(image).save(file, format="PNG")
    save_whole(file.getvalue(), path)


def save_gif(frames: Sequence[Tensor], path: Path, seconds: float = 0.1) -> None:
    """Write frames uint8 [C, H, W] as an endless animation, `seconds` each."""
    save_whole(encode_gif(frames, seconds), path)


def encode_gif(frames: Sequence[Tensor], seconds: float, last: float | None = None) -> bytes:
    """An endless animation of frames uint8 [C, H, W], `seconds` each and the last one `last`."""
    first, *rest = _share_palette(frames)
    times = [round(1000 * seconds)] * len(rest) + [round(1000 * (last or seconds))]
    file = io.BytesIO()
    first.save(file, format="GIF", save_all=True, append_images=rest, duration=times, loop=0)
    return file.getvalue()


def _share_palette(frames: Sequence[Tensor]) -> list[Image.Image]:
    """Frames in at most 256 shades: gray as it is, else in colors that suit all of them.

    Left to itself, Pillow looks for each frame's own, which takes minutes for a film.
    """
    stills = [to_pil(frame) for frame in frames]
    if all(torch.equal(frame[:1].expand_as(frame), frame) for frame in frames):
        return [still.convert("L") for still in stills]
    nearest = Image.Resampling.NEAREST
    seen = [stills[i * (len(stills) - 1) // 7].resize((128, 128), nearest) for i in range(8)]
    sheet = Image.new("RGB", (128 * len(seen), 128))
    for i, still in enumerate(seen):
        sheet.paste(still, (128 * i, 0))
    palette = sheet.quantize(256, Image.Quantize.MAXCOVERAGE)  # also of what is small
    return [still.quantize(palette=palette, dither=Image.Dither.NONE) for still in stills]


def save_whole(content: bytes, path: Path) -> None:
    """Write a file of which a reader never sees half, and a full disk leaves none."""
    unfinished = path.with_name(path.name + ".tmp")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
