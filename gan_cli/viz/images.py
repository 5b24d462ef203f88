"""Tensors to images a person can look at, and images to files."""

import functools
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import pad

from gan_cli.files import write_whole

SMALLEST = 48
"""Images in a grid are enlarged by a whole factor until they are about this wide."""
BORDER = 2
"""Pixels between the images of a grid."""
GAP = 16
"""Pixels between two panels."""
CAPTION, HEADING = 22, 16
"""Heights of the strips that captions and the headings of columns stand in, in pixels."""
FONT_SIZES = (14, 12, 11, 10, 9)
"""Of letters, in pixels; of those that fit, the largest is taken."""


def to_bytes(images: Tensor) -> Tensor:
    """Images in [-1, 1] to uint8 in [0, 255], same shape."""
    return ((images.clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8)


def sheet(
    panels: Mapping[str, Tensor],
    columns: int | None = None,
    headings: Sequence[str] = (),
    span: int = 1,
) -> Tensor:
    """Panels side by side, each a grid under its caption, as one image uint8 [3, H, W].

    Args:
        panels: float in [-1, 1], [N, C, h, w] each with C 1 or 3, by caption; a single panel goes
            without. Images of different sizes are enlarged by whole factors to about one height.
        columns: images a row in each panel; as square as possible by default.
        headings: what stands over the columns of each panel; abbreviated where it is too long.
        span: columns under each heading.
    """
    largest = max(panels.values(), key=lambda images: images.shape[-2])
    height = largest.shape[-2] * _enlargement(largest)
    drawn = []
    for caption, images in panels.items():
        image = grid(images, columns, factor=max(1, round(height / images.shape[-2])))
        if headings:
            cells = min(columns or _square(len(images)), len(images))
            texts = [*headings, *[""] * cells][: math.ceil(cells / span)]
            width = span * ((image.shape[2] - BORDER) // cells)
            image = _over(text_row(texts, HEADING, width), image)
        if len(panels) > 1:
            image = _over(text_row([caption], CAPTION, image.shape[2]), image)
        drawn.append(image)
    return beside(drawn)


def grid(images: Tensor, columns: int | None = None, factor: int | None = None) -> Tensor:
    """Images [N, C, h, w], float in [-1, 1], as one, uint8 [3, H, W].

    Args:
        images: what to show, with C 1 or 3.
        columns: images a row; as square as possible by default.
        factor: how many pixels wide and high each pixel becomes; by default as many as make the
            images about `SMALLEST` pixels wide.
    """
    factor = factor or _enlargement(images)
    shown = to_bytes(images).cpu()
    shown = shown.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return tile(shown, columns or _square(len(images)))


def tile(images: Tensor, columns: int) -> Tensor:
    """Images uint8 [N, 1 or 3, h, w] in rows, black lines between and around, as one [3, H, W].

    One alone goes without.
    torchvision.utils.make_grid does the same, and importing it takes as long as importing torch.
    """
    count, _, height, width = images.shape
    if count == 1:
        return images[0].expand(3, -1, -1).contiguous()
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    cells = images.new_zeros(rows * columns, 3, height + BORDER, width + BORDER)
    cells[:count, :, BORDER:, BORDER:] = images
    table = cells.view(rows, columns, *cells.shape[1:]).permute(2, 0, 3, 1, 4)  # [3, R, h, C, w]
    joined = table.flatten(3).flatten(1, 2)  # [3, R * h, C * w]
    return pad(joined, (0, BORDER, 0, BORDER))


def _enlargement(images: Tensor) -> int:
    return max(1, round(SMALLEST / images.shape[-1]))


def _square(count: int) -> int:
    """Columns of a grid that is as square as can be."""
    return math.ceil(math.sqrt(count))


def beside(images: Sequence[Tensor], gap: int = GAP) -> Tensor:
    """Images uint8 [3, H, W] from left to right as one, `gap` white pixels between."""
    height = max(image.shape[1] for image in images)
    width = sum(image.shape[2] for image in images) + gap * (len(images) - 1)
    whole, left = torch.full((3, height, width), 255, dtype=torch.uint8), 0
    for image in images:
        whole[:, : image.shape[1], left : left + image.shape[2]] = image
        left += image.shape[2] + gap
    return whole


def captioned(image: Tensor, text: str) -> Tensor:
    """An image uint8 [3, H, W] over a line of text: [3, H + CAPTION, W]."""
    return torch.cat([image, text_row([text], CAPTION, image.shape[2])], dim=1)


def _over(strip: Tensor, image: Tensor) -> Tensor:
    """A strip [3, h, w] over the middle of an image [3, H, W] that is as wide or wider."""
    whole = torch.full((3, strip.shape[1], image.shape[2]), 255, dtype=torch.uint8)
    left = (image.shape[2] - strip.shape[2]) // 2
    whole[:, :, left : left + strip.shape[2]] = strip
    return torch.cat([whole, image], dim=1)


def text_row(texts: Sequence[str], height: int, width: int) -> Tensor:
    """Texts side by side, each in the middle of `width` pixels: uint8 [3, height, width * K]."""
    strip = Image.new("RGB", (width * len(texts), height), "white")
    draw = ImageDraw.Draw(strip)
    room = width - 2
    sizes = (size for size in FONT_SIZES if max(map(_font(size).getlength, texts)) <= room)
    font = _font(next(sizes, FONT_SIZES[-1]))
    for number, text in enumerate(texts):
        centre = (number * width + width // 2, height // 2)
        draw.text(centre, _abbreviated(text, font, room), fill="black", font=font, anchor="mm")
    return from_pil(strip)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _abbreviated(text: str, font: ImageFont.FreeTypeFont, room: int) -> str:
    """As much of a text as fits into `room` pixels."""
    if font.getlength(text) <= room:
        return text
    kept = next((n for n in range(len(text), 0, -1) if font.getlength(text[:n] + ".") <= room), 0)
    return text[:kept] + "." if kept else ""


def to_pil(image: Tensor) -> Image.Image:
    """An image uint8 [C, H, W] as Pillow knows it."""
    array = image.permute(1, 2, 0).numpy()  # [C, H, W] -> [H, W, C]
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def from_pil(image: Image.Image) -> Tensor:
    """Any image of Pillow's as uint8 [3, H, W]."""
    rgb = image.convert("RGB")
    flat = torch.frombuffer(bytearray(rgb.tobytes()), dtype=torch.uint8)
    return flat.view(rgb.height, rgb.width, 3).permute(2, 0, 1).contiguous()  # -> [3, H, W]


def save_png(image: Tensor, path: Path) -> None:
    """Write an image uint8 [C, H, W]; a reader never sees half of it."""
    file = io.BytesIO()
    to_pil(image).save(file, format="PNG")
    write_whole(path, file.getvalue())


def save_gif(frames: Sequence[Tensor], path: Path, seconds: float = 0.1) -> None:
    """Write frames uint8 [C, H, W] as an endless animation, `seconds` each."""
    write_whole(path, encode_gif(frames, seconds))


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
