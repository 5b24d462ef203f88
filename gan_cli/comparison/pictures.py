"""The runs' samples on the page: every step that there is room for, large enough to judge."""

import base64
import html
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gan_cli.comparison.reading import read_bytes
from gan_cli.comparison.records import Record
from gan_cli.viz.frames import thin

MOST_STEPS = 24
"""Of each run: more than anybody looks at one by one."""
HEAVIEST = 40 * 2**20
"""Bytes of images on a page, about; with many runs it has fewer steps of each."""

SIZES, SMALLEST = {2: 640, 4: 520}, 420
"""Width of a picture at first, in pixels, where there are up to so many runs."""

CONTROLS = """<div class="controls" data-steps="{steps}" hidden>
<button type="button" id="play">play</button>
<label>step <input type="range" id="step" min="0" max="{last}" value="{last}"></label>
<output id="at">{now:,}</output>
<label>size <input type="range" id="size" min="200" max="1200" value="{size}" step="20"></label>
</div>"""
NOTE = """<p>Click a picture to see it whole; the arrow keys go from step to step.</p>"""


def sample_section(records: Sequence[Record], settings: Sequence[str]) -> Iterator[str]:
    """The samples over the steps, side by side, and each run's other sheets below.

    Args:
        records: in the page's order.
        settings: what to say of each.

    Raises:
        UserError: an image cannot be read.
    """
    grids = [record.grids() for record in records]
    chosen = [dict.fromkeys(thin(list(found), _room(grids))) for found in grids]
    steps = sorted({step for found in chosen for step in found})
    if steps:
        controls = CONTROLS.format(
            steps=" ".join(map(str, steps)),
            last=len(steps) - 1,
            now=steps[-1],
            size=first_size(len(records)),
        )
        yield f"<section><h2>Samples</h2>\n{controls}{NOTE}"
        yield '<div class="side" id="samples">'
        for run, (record, said) in enumerate(zip(records, settings, strict=True)):
            yield figure(run, record.name, said, {n: grids[run][n] for n in chosen[run]})
        yield "</div></section>"  # the controls stay in sight as far as this
    sheets = [record.sheets() for record in records]
    names = list(dict.fromkeys(name for found in sheets for name in found))
    for name in names:
        yield f"<details><summary>{html.escape(name.replace('_', ' '))}</summary>"
        yield '<div class="side">'
        for run, record in enumerate(records):
            if name in sheets[run]:
                yield figure(run, record.name, settings[run], {0: sheets[run][name]}, steps=False)
        yield "</div></details>"


def first_size(runs: int) -> int:
    """How many pixels wide the picture of each of so many runs is at first."""
    return next((size for most, size in SIZES.items() if runs <= most), SMALLEST)


def _room(grids: Sequence[Mapping[int, Path]]) -> int:
    """How many steps of each run there is room for."""
    largest = sum(max((p.stat().st_size for p in found.values()), default=0) for found in grids)
    return max(min(HEAVIEST // max(largest, 1), MOST_STEPS), 2)


def figure(run: int, name: str, said: str, images: Mapping[int, Path], steps: bool = True) -> str:
    """One run's images, of which the last is seen.

    Args:
        run: its number on the page.
        name: the run's.
        said: what tells it from others.
        images: by step, upwards.
        steps: whether the step is worth saying.
    """
    last = max(images, default=0)
    shown = "".join(image(path, step, hidden=step != last) for step, path in images.items())
    step = f'<span class="at">step {last:,}</span>' if steps and images else ""
    return (
        f'<figure data-run="{run}"><figcaption><b>{html.escape(name)}</b>'
        f"<span>{html.escape(said)}</span>{step}</figcaption>{shown or '<p>none</p>'}</figure>"
    )


def image(path: Path, step: int, hidden: bool) -> str:
    """An image as HTML that holds all of it.

    Raises:
        UserError: it cannot be read.
    """
    content = read_bytes(path)
    width, height = _size(content)
    size = f' width="{width}" height="{height}"' if width else ""
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<img{size} data-step="{step}"{" hidden" if hidden else ""} tabindex="0" '
        f'alt="{html.escape(path.name)}" src="data:image/png;base64,{data}">'
    )


def _size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels; zeros where it is none."""
    if content.startswith(b"\x89PNG") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    return 0, 0
