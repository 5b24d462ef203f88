"""What `gan-data check` does: look at every image of a folder or zip and say what is there."""

import dataclasses
import logging
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from gan_cli.config.reader import check
from gan_cli.data.classes import LABEL_FILE, Classes, find_base, find_classes
from gan_cli.data.image_files import ImageFiles, open_image_files, spread
from gan_cli.data.images import Look, UnreadableImageError
from gan_cli.errors import RunFailed, UserError
from gan_cli.preparation.rewriting import count_of, refuse_taken, size_of
from gan_cli.viz import images

log = logging.getLogger(__name__)

MOST_NAMED = 20
"""Damaged files, and classes, that are named."""
MOST_KINDS = 4
"""Sizes, modes and formats that are named."""
CELL, ROWS, MOST_COLUMNS = 64, 8, 16
"""Pixels of an image on the contact sheet, and images down and across."""


@dataclasses.dataclass(frozen=True)
class CheckSettings:
    """The keys of conf/data_check.yaml."""

    paths: list[str]
    sheet: str | None


@dataclasses.dataclass(frozen=True)
class Survey:
    """What lies below a folder or in a zip.

    Attributes:
        looks: of each whole image, by name.
        damaged: why each other image cannot be read, by name.
        others: files that are no images by their names.
        bytes: of all images.
        classes: of the whole images, in their order; None where they cannot be told, for `problem`.
        problem: why not.
    """

    looks: Mapping[str, Look]
    damaged: Mapping[str, str]
    others: int
    bytes: int
    classes: Classes | None
    problem: str = ""


def check_images(config: DictConfig) -> None:
    """Say what each path holds, and leave a contact sheet of each.

    Raises:
        UserError: a bad key, a path that is not there or holds no images, a sheet that cannot be
            written or would take the place of another file.
        RunFailed: images are damaged; they have been named.
    """
    settings: CheckSettings = check(config, CheckSettings)[0]
    if settings.sheet is not None and len(settings.paths) > 1:
        raise UserError("sheet: names one file; leave it out with several paths")
    if settings.sheet is not None:
        refuse_taken(Path(settings.sheet).expanduser(), "sheet")
    damaged = total = 0
    for path in settings.paths:
        found = open_image_files(path, CELL, 3, "path")
        seen = look_over(found)
        out = Path(settings.sheet or f"contact-{Path(path).resolve().stem}.png").expanduser()
        if seen.looks:
            _save(contact_sheet(found, seen), out)
        lines = [*describe(path, found, seen), *([f"  sheet    {out}"] if seen.looks else [])]
        log.info("%s", "\n".join([*lines, *_how_to_train(path, seen)]))
        damaged, total = damaged + len(seen.damaged), total + len(found.names)
    if damaged:
        raise RunFailed(f"{damaged:,} of {count_of(total, 'image')} cannot be read; see above")


def look_over(found: ImageFiles) -> Survey:
    """Decode every image once, in threads where that pays."""
    looks, damaged = {}, {}
    results = found.map(lambda name: _look(found, name), found.names, found.names, "checking")
    for name, result in zip(found.names, results, strict=True):
        if isinstance(result, Look):
            looks[name] = result
        else:
            damaged[name] = result
    sizes = found.files.sizes
    labels = [name for name in sizes if name.rpartition("/")[2] == LABEL_FILE]
    others = len(sizes) - len(found.names) - len(labels)
    count = sum(sizes[name] for name in found.names)
    try:
        classes = find_classes(found.files, list(looks), find_base(list(sizes)))
    except UserError as error:
        return Survey(looks, damaged, others, count, None, str(error))
    return Survey(looks, damaged, others, count, classes)


def _look(found: ImageFiles, name: str) -> Look | str:
    try:
        return found.look(name)
    except UnreadableImageError as error:
        return str(error)


def describe(path: str, found: ImageFiles, seen: Survey) -> Iterator[str]:
    """What a survey says, line by line."""
    yield f"{path}: {count_of(len(found.names), 'image')}, {size_of(seen.bytes)}"
    sizes = Counter(look.size for look in seen.looks.values())
    if sizes:
        yield f"  sizes    {_counted({f'{w}x{h}': n for (w, h), n in sizes.most_common()})}"
        if len(sizes) > MOST_KINDS:
            shorter = sorted(min(size) for size in sizes.elements())
            middle = shorter[len(shorter) // 2]
            spread_over = f"{shorter[0]} to {shorter[-1]}, half of them from {middle} on"
            yield f"           shorter side {spread_over}"
        yield f"  modes    {_counted(Counter(look.mode for look in seen.looks.values()))}"
        yield f"  formats  {_counted(Counter(look.format for look in seen.looks.values()))}"
    yield f"  classes  {_classes(seen)}"
    if seen.others:
        yield f"  others   {count_of(seen.others, 'file')} that are no images by their names"
    if seen.damaged:
        yield f"  damaged  {count_of(len(seen.damaged), 'image')}:"
        for name, reason in list(seen.damaged.items())[:MOST_NAMED]:
            yield f"    {found.files.locate(name)} ({reason})"
        if len(seen.damaged) > MOST_NAMED:
            yield f"    and {len(seen.damaged) - MOST_NAMED:,} more"


def _counted(kinds: Mapping[str, int]) -> str:
    """`64x64 (1,000), 32x32 (20) and 3 others`, the most frequent first."""
    first = sorted(kinds.items(), key=lambda kind: -kind[1])
    text = ", ".join(f"{kind} ({count:,})" for kind, count in first[:MOST_KINDS])
    return text + (f" and {len(first) - MOST_KINDS} others" if len(first) > MOST_KINDS else "")


def _classes(seen: Survey) -> str:
    if seen.classes is None:
        return f"cannot be told: {seen.problem}"
    if seen.classes.labels is None:
        return "none"
    counts = Counter(seen.classes.labels)
    names = seen.classes.names or [str(n) for n in range(seen.classes.count)]
    listed = [f"{name} ({counts[n]:,})" for n, name in enumerate(names[:MOST_NAMED])]
    more = [f"and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return f"{seen.classes.count}: {', '.join([*listed, *more])}"


def _how_to_train(path: str, seen: Survey) -> list[str]:
    """The command that trains on this, with what it needs to be told."""
    if not seen.looks:
        return []
    shortest = sorted(min(look.size) for look in seen.looks.values())
    middle = shortest[len(shortest) // 2]
    size = next((s for s in (256, 128, 64, 32) if s <= middle), 16)
    gray = all(look.mode in ("1", "L", "I;16") for look in seen.looks.values())
    more = [
        *(["data.channels=1"] if gray else []),
        *(["data.labels=false"] if seen.classes is None else []),
        *(["data.on_corrupt=skip"] if seen.damaged else []),
    ]
    words = ["gan-train", "data=folder", f"data.root={path}", f"data.image_size={size}", *more]
    return [f"  train    {shlex.join(words)}"]


def contact_sheet(found: ImageFiles, seen: Survey) -> Tensor:
    """Whole images, evenly spread; a class a column where there are few: uint8 [3, H, W]."""
    names, labels = list(seen.looks), seen.classes.labels if seen.classes else None
    count = seen.classes.count if seen.classes else 0
    if labels is None or count > MOST_COLUMNS:
        chosen = [names[i] for i in spread(len(names), ROWS * ROWS)]
        return images.grid(_shown(found, chosen), columns=ROWS, factor=1)
    columns = []
    for number in range(count):
        own = [name for name, label in zip(names, labels, strict=True) if label == number]
        columns.append([own[i] for i in spread(len(own), ROWS)])
    rows = max(map(len, columns))
    cells = [c[row] if row < len(c) else None for row in range(rows) for c in columns]
    classes = seen.classes.names if seen.classes else ()
    headings = list(classes) or [str(number) for number in range(count)]
    return images.sheet({"": _shown(found, cells)}, count, headings)


def _shown(found: ImageFiles, names: Sequence[str | None]) -> Tensor:
    """Images as the sheet has them, in [-1, 1]; gray where there is none: [N, 3, CELL, CELL]."""
    gray = torch.zeros(3, CELL, CELL)
    return torch.stack([gray if n is None else found.decode(n) / 127.5 - 1 for n in names])


def _save(image: Tensor, out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        images.save_png(image, out)
    except OSError as error:
        raise UserError(f"sheet={out}: cannot be written ({error.strerror})") from error
