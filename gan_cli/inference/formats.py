"""Samples as files: a grid, an array, an animation, sound, or one image each."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_cli.data.fields import Kind
from gan_cli.data.sound_files import save_sound
from gan_cli.errors import UserError
from gan_cli.viz import images
from gan_cli.viz.plane import scatter
from gan_cli.viz.spectrogram import spectrograms

MOST_COLUMNS = 16


@dataclass(frozen=True)
class Shown:
    """What was drawn.

    Attributes:
        panels: by caption, float32 in [-1, 1], [N, ...] each.
        output: the panel that the game made.
        kind: of the panels.
        label: int64 [N], or None.
        code: values of a categorical code, int64 [N], or None.
        class_names: by label; may be empty.
        names: of the files that were fed, relative to where they lay, or none.
        frames: images of each interpolation, where these are interpolations.
        real: points that the game was trained on, where they are known.
        caption: of a scatter plot.
        rate: samples a second of waves.
    """

    panels: dict[str, Tensor]
    output: str
    kind: Kind
    label: Tensor | None
    code: Tensor | None
    class_names: Sequence[str]
    names: Sequence[str]
    frames: int | None
    real: Tensor | None = None
    caption: str = ""
    rate: int = 0

    @property
    def made(self) -> Tensor:
        """The output itself."""
        return self.panels[self.output]

    @property
    def kinds(self) -> list[str] | None:
        """What each was asked to be: its class by name, or by number where that has none; or its
        code; None where nothing was asked for."""
        if self.label is not None:
            names = dict(enumerate(self.class_names))
            return [names.get(label, f"class{label}") for label in self.label.tolist()]
        return None if self.code is None else [f"code{code}" for code in self.code.tolist()]


Writer = Callable[[Shown, Path], None]


def writer_of(out: str) -> Writer:
    """How `out` wants to be written.

    Raises:
        UserError: it ends in something else.
    """
    if not out:
        raise UserError("out: name a file or a folder")
    if out.endswith("/") or Path(out).is_dir():
        return _write_folder
    writers = {".npz": _write_npz, ".gif": _write_gif, ".png": _write_grid, ".wav": _write_sound}
    try:
        return writers[Path(out).suffix.lower()]
    except KeyError as error:
        raise UserError(
            f"out={out}: end it in .png (grid), .npz, .gif, .wav (sound) or / (one file each)"
        ) from error


def _write_grid(shown: Shown, out: Path) -> None:
    if shown.kind == "point":
        images.save_png(scatter(shown.made, shown.real, caption=shown.caption), out)
        return
    panels, columns, headings, span = shown.panels, shown.frames, [], 1
    if shown.kind == "wave":
        panels = {name: spectrograms(waves, shown.rate) for name, waves in panels.items()}
    if shown.names:
        columns = 1 if len(shown.made) <= MOST_COLUMNS else None
    elif columns is None and (kinds := shown.kinds) is not None:
        headings = list(dict.fromkeys(kinds))
        if len(headings) > MOST_COLUMNS:
            headings = []
        else:
            span = columns_of_each(len(kinds), len(headings))
            columns = span * len(headings)
            order = by_kind([headings.index(kind) for kind in kinds], len(headings), span)
            panels = {name: _reordered(panel, order) for name, panel in panels.items()}
    images.save_png(images.sheet(panels, columns, headings, span), out)


def columns_of_each(count: int, kinds: int) -> int:
    """How many columns each kind gets where `count` images of `kinds` make about a square."""
    wide = math.ceil(math.sqrt(count)) if kinds == 1 else round(math.sqrt(count) / kinds)
    return max(min(wide, MOST_COLUMNS // kinds), 1)


def by_kind(kinds: Sequence[int], count: int, span: int) -> list[int]:
    """The order of images in which each of `count` kinds stands in `span` columns of its own.

    Args:
        kinds: of each image, a number below `count`.
        count: of kinds.
        span: columns of each.

    Returns:
        Places in `kinds`, row by row; -1 for what stays empty.
    """
    places = [[n for n, kind in enumerate(kinds) if kind == number] for number in range(count)]
    rows = math.ceil(max(map(len, places)) / span)
    padded = [[*own, *[-1] * (rows * span - len(own))] for own in places]
    order = [n for row in range(rows) for own in padded for n in own[row * span : (row + 1) * span]]
    while order[-1] < 0:
        order.pop()
    return order


def _reordered(panel: Tensor, order: Sequence[int]) -> Tensor:
    """Images [N, C, H, W] in another order; black ones where it says -1."""
    return torch.cat([panel, torch.full_like(panel[:1], -1.0)])[list(order)]


def _write_npz(shown: Shown, out: Path) -> None:
    if shown.kind == "point":
        arrays = {"points": shown.made.flatten(1).numpy()}  # [N, 2, 1, 1] -> [N, 2]
    else:
        pixels = images.to_bytes(shown.made).permute(0, 2, 3, 1)  # -> [N, H, W, C]
        arrays = {"images": pixels.numpy()}
    if shown.label is not None:
        arrays["labels"] = shown.label.numpy()
    if shown.code is not None:
        arrays["codes"] = shown.code.numpy()
    np.savez_compressed(out, allow_pickle=False, **arrays)


def _write_sound(shown: Shown, out: Path) -> None:
    if shown.kind != "wave":
        raise UserError(f"out={out}: these are no sound; end it in .png or .npz")
    save_sound(shown.made[0].flatten(), shown.rate, out)


def _write_gif(shown: Shown, out: Path) -> None:
    if shown.kind == "point":
        raise UserError(f"out={out}: these are 2-D points, not images; end it in .png or .npz")
    images.save_gif([images.grid(image[None], columns=1) for image in shown.made], out)


def _write_folder(shown: Shown, out: Path) -> None:
    if shown.kind == "point":
        raise UserError(f"out={out}/: these are 2-D points, not images; end it in .png or .npz")
    if shown.names:
        names = as_png(shown.names)
    else:
        kinds = shown.kinds or [""] * len(shown.made)
        ends = [f"-{_as_file_name(kind)}" if kind else "" for kind in kinds]
        names = [f"{number:05d}{end}.png" for number, end in enumerate(ends)]
    for name, image in zip(names, images.to_bytes(shown.made), strict=True):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        images.save_png(image, out / name)


def as_png(names: Sequence[str]) -> list[str]:
    """The same names ending in .png; `a.jpg` beside `a.webp` becomes `a.jpg.png`."""
    plain = [Path(name).with_suffix(".png").as_posix() for name in names]
    times = Counter(plain)
    return [
        short if times[short] == 1 else f"{name}.png"
        for name, short in zip(names, plain, strict=True)
    ]


def _as_file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_ " else "_" for c in text)[:64]
