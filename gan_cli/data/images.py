"""Images as files and arrays: decoding, channels, sizes."""

import contextlib
import dataclasses
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm")

# Nothing else is opened, whatever a file calls itself: some of Pillow's other readers start
# external programs (EPS) or are rarely looked after.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")

# Pillow only warns between one and two times its limit. A filter for the process, because
# `warnings.catch_warnings` is not safe in threads.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_UNREADABLE = (
    OSError,  # includes UnidentifiedImageError, and truncated data
    SyntaxError,  # how Pillow reports a broken PNG chunk
    ValueError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class UnreadableImageError(Exception):
    """A file that is no image, a damaged one, or one too large to be opened safely.

    Attributes:
        advice: what to do about it.
    """

    advice = "fix or remove it"


class OtherChannelsError(UnreadableImageError):
    """An image whose channels are not those that are taken."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


def require_channels(channels: int) -> None:
    """Raise ValueError unless `channels` is 1 or 3."""
    if channels not in (1, 3):
        raise ValueError(f"channels={channels}: choose 1 (grayscale) or 3 (RGB)")


def decode(file: str | IO[bytes], image_size: int, channels: int) -> Tensor:
    """Read one image as uint8 [channels, image_size, image_size]: `read_image`, then `to_square`.

    Raises:
        UnreadableImageError: with the reason.
    """
    return to_square(read_image(file, channels), image_size)


def read_image(file: str | IO[bytes], channels: int, *, exact: bool = False) -> Image.Image:
    """Read one image as 8-bit grayscale or RGB.

    Turned as its EXIF says, laid on white where transparent. Of an animation the first frame.

    Args:
        file: a path, or an open file.
        channels: 1 (grayscale) or 3 (RGB).
        exact: refuse one that has others, rather than to convert it.

    Raises:
        UnreadableImageError: with the reason.
    """
    with _told_apart(), Image.open(file, formats=_FORMATS) as image:
        return convert(image, channels, exact=exact)


def convert(image: Image.Image, channels: int, *, exact: bool = False) -> Image.Image:
    """An open image as `read_image` gives it.

    Raises:
        OtherChannelsError: it has others, and is to have these exactly.
        ValueError: its pixels are floating-point numbers.
    """
    image = ImageOps.exif_transpose(image)
    if exact:
        _refuse_others(image, channels)
    return _convert(image, "L" if channels == 1 else "RGB")


@dataclasses.dataclass(frozen=True)
class Look:
    """What an image file is.

    Attributes:
        size: width and height in pixels, before it is turned as its EXIF says.
        mode: as Pillow calls it: L is grayscale, RGBA has transparency, P a palette.
        format: PNG, JPEG and so on, whatever the file calls itself.
    """

    size: tuple[int, int]
    mode: str
    format: str


def look_at(file: IO[bytes]) -> Look:
    """Decode one image as `read_image` would, and say what it is.

    Raises:
        UnreadableImageError: with the reason.
    """
    with _told_apart(), Image.open(file, formats=_FORMATS) as image:
        found = Look(image.size, image.mode, image.format or "")
        _convert(ImageOps.exif_transpose(image), "RGB")
        return found


def to_square(image: Image.Image, image_size: int) -> Tensor:
    """uint8 [C, image_size, image_size] of an image of any size.

    Its shorter side is resized to `image_size` (bicubic, antialiased), the middle cut out.

    Raises:
        UnreadableImageError: with the reason.
    """
    with _told_apart():
        square = ImageOps.fit(image, (image_size, image_size), Image.Resampling.BICUBIC)
    return to_pixels(square)


def to_pixels(image: Image.Image) -> Tensor:
    """uint8 [C, H, W] of an 8-bit image, as large as it is."""
    pixels = torch.from_numpy(np.array(image)).view(image.height, image.width, -1)
    return pixels.permute(2, 0, 1).contiguous()  # [H, W, C] -> [C, H, W]


@contextlib.contextmanager
def _told_apart() -> Iterator[None]:
    """What an image can have wrong becomes UnreadableImageError; the rest are bugs."""
    try:
        yield
    except _UNREADABLE as error:
        # Some reasons name the file object they were given, an address in memory.
        known = not isinstance(error, Image.UnidentifiedImageError)
        reason = str(error).splitlines()[0] if known and str(error) else "not an image"
        raise UnreadableImageError(reason) from error


def _refuse_others(image: Image.Image, channels: int) -> None:
    """Raise OtherChannelsError where the image has others, or is transparent anywhere."""
    gray = image.mode.startswith(("1", "L", "I", "F")) and image.mode != "LAB"
    transparent = False
    palette = image.mode.startswith("P")
    if palette or (image.has_transparency_data and image.mode[0] != "I"):
        pixels = np.asarray(image.convert("RGBA"))  # [H, W, 4]
        gray = bool((pixels[..., :3] == pixels[..., :1]).all()) if palette else gray
        transparent = bool((pixels[..., 3] < 255).any())
    if gray == (channels == 1) and not transparent:
        return
    names = {1: "1 channel, gray", 2: "2 channels, gray and transparency"}
    names |= {3: "3 channels, RGB", 4: "4 channels, RGB and transparency"}
    flatten = "-background white -flatten " if transparent else ""
    how = f"ImageMagick's `magick IN {flatten}"
    how += "-colorspace Gray OUT.png`" if channels == 1 else "PNG24:OUT.png`"
    if not transparent and image.mode[0] != "I":  # Pillow clips 16 bits
        how = f"Pillow's `image.convert({'L' if channels == 1 else 'RGB'!r})` or {how}"
    has = names[(1 if gray else 3) + transparent]
    raise OtherChannelsError(f"{has}; the model takes {names[channels]}", f"convert it, by {how}")


def _convert(image: Image.Image, mode: str) -> Image.Image:
    """Any of Pillow's modes as 8-bit `L` or `RGB`."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode.startswith("I"):  # 16 bits: Pillow would clip at 255 where we want the scale
        wide = np.asarray(image).astype(np.float32) / 257  # 65535 = 257 * 255
        image = Image.fromarray(wide.round().clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert(mode)


def resize(images: Tensor, image_size: int) -> Tensor:
    """uint8 or float [N, C, H, W] in 0..255 -> uint8 [N, C, image_size, image_size].

    Bicubic and antialiased, as for images from files. `image_size` must hold for both sides.
    """
    if images.shape[-2:] == (image_size, image_size):
        return images.round().to(torch.uint8) if images.is_floating_point() else images

    def piece(part: Tensor) -> Tensor:
        out = F.interpolate(part.float(), size=image_size, mode="bicubic", antialias=True)
        return out.round().clamp(0, 255).to(torch.uint8)  # bicubic overshoots at edges

    return torch.cat([piece(part) for part in images.split(4096)])  # bounds the float copy


def set_channels(images: Tensor, channels: int) -> Tensor:
    """uint8 [N, 1 or 3, H, W] as [N, channels, H, W]: gray repeated, or RGB's luma (Rec. 601)."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.expand(-1, 3, -1, -1).contiguous()
    return torch.cat([_luma(part) for part in images.split(4096)])


def _luma(rgb: Tensor) -> Tensor:
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (rgb * weights).sum(1, keepdim=True).round().clamp(0, 255).to(torch.uint8)


def is_image(name: str) -> bool:
    """Whether a file name ends like an image's."""
    return name.lower().endswith(EXTENSIONS)


def hidden(parts: Iterable[str]) -> bool:
    """Whether any part of a path is hidden or an archive's housekeeping."""
    for part in parts:  # noqa: SIM110  `any` of a generator takes over twice as long
        if part.startswith(".") or part == "__MACOSX":
            return True
    return False
