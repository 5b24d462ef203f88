"""A film of a run from the grids it left."""

import io
from pathlib import Path

from PIL import Image
from torch import Tensor

from gan_cli.viz.frames import LONGEST, thin
from gan_cli.viz.images import captioned, encode_gif, from_pil

WIDEST = 512
"""Pixels; wider grids are made smaller."""
HEAVIEST = 8 * 2**20
"""Bytes; a film of many colors takes fewer frames."""


def make_film(
    grids: dict[int, Path], heaviest: int = HEAVIEST, captions: bool = True
) -> bytes | None:
    """A GIF of images by step, each captioned with its step unless it says so; the last one stays.

    It takes about six seconds to watch and about `heaviest` bytes at most. Files that cannot be
    read, and images of another shape than the last one's, are left out.

    Returns:
        None where less than two can be read.
    """
    frames = {step: _read(grids[step]) for step in thin(sorted(grids))}
    read = {step: frame for step, frame in frames.items() if frame is not None}
    if len(read) < 2:
        return None
    shape = read[max(read)].shape
    shown = {
        s: captioned(f, f"step {s:,}") if captions else f
        for s, f in read.items()
        if f.shape == shape
    }
    film = _encode(shown)
    if len(film) > heaviest:
        film = _encode(shown, max(len(shown) * heaviest // len(film), 2))
    return film


def _encode(frames: dict[int, Tensor], most: int = LONGEST) -> bytes:
    chosen = [frames[step] for step in thin(list(frames), most)]
    return encode_gif(chosen, seconds=min(max(6.0 / len(chosen), 0.08), 0.5), last=2.0)


def _read(path: Path) -> Tensor | None:
    """uint8 [3, H, W], at most WIDEST wide; None for what is no image."""
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
            if image.width > WIDEST:
                size = (WIDEST, max(round(image.height * WIDEST / image.width), 1))
                return from_pil(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
            return from_pil(image)
    except (OSError, SyntaxError):  # what Pillow raises for damaged files
        return None
