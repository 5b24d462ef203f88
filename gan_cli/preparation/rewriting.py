"""What `gan-data resize` and `gan-data zip` do: the same images, whole and labelled, elsewhere.

Labels go into a `dataset.json`, {"labels": [[name, class number], ...] or null, "classes": [name,
...]}, as the StyleGAN dataset tools read it, who know no names of classes and pass over them.
"""

import dataclasses
import io
import json
import logging
import os
import secrets
import shlex
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from omegaconf import DictConfig

from gan_cli.config.reader import check
from gan_cli.data.classes import LABEL_FILE, Classes, find_base, find_classes
from gan_cli.data.image_files import ImageFiles, open_image_files, spread
from gan_cli.data.images import UnreadableImageError
from gan_cli.errors import UserError
from gan_cli.files import replacing
from gan_cli.ranges import Count
from gan_cli.viz.images import to_pil

log = logging.getLogger(__name__)

Add = Callable[[str, bytes], None]
"""Takes a file's name below the output, and its bytes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ZipSettings:
    """The keys of conf/data_zip.yaml."""

    path: str
    out: str
    labels: bool
    limit: Count | None
    on_corrupt: Literal["error", "skip"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResizeSettings(ZipSettings):
    """The keys of conf/data_resize.yaml."""

    image_size: Count
    channels: Literal[1, 3]


def resize_images(config: DictConfig) -> Path:
    """Every image as a PNG of one size, in a new folder or zip; returns where.

    Raises:
        UserError: a bad key, images that cannot be used, an output that is there or cannot be
            written. Nothing is left behind then.
    """
    settings: ResizeSettings = check(config, ResizeSettings)[0]
    found = open_image_files(settings.path, settings.image_size, settings.channels, "path")

    def encode(name: str) -> bytes:
        file = io.BytesIO()
        to_pil(found.decode(name)).save(file, format="PNG")
        return file.getvalue()

    def rename(number: int, name: str) -> str:
        digits = f"{number:08d}"
        return f"{digits[:5]}/img{digits}.png"

    out, count = _rewrite(found, settings, encode, rename)
    size = f"{settings.image_size}x{settings.image_size}"
    log.info("%s of %s in %s, %s", count_of(count, "image"), size, out, size_of(_bytes_in(out)))
    log.info("gan-train %s", shlex.join(_training(settings)))
    return out


def _training(settings: ResizeSettings) -> list[str]:
    size = f"data.image_size={settings.image_size}"
    return ["data=folder", f"data.root={settings.out}", size, f"data.channels={settings.channels}"]


def zip_images(config: DictConfig) -> Path:
    """Every image as it is, in a new zip; returns where.

    Raises:
        UserError: see `resize_images`.
    """
    settings: ZipSettings = check(config, ZipSettings)[0]
    if not settings.out.lower().endswith(".zip"):
        raise UserError(f"out={settings.out}: should end in .zip")
    found = open_image_files(settings.path, 1, 3, "path")
    base = find_base(list(found.files.sizes))

    def read(name: str) -> bytes:
        found.look(name)
        return found.files.read(name)

    out, count = _rewrite(found, settings, read, lambda number, name: name.removeprefix(base))
    log.info("%s in %s, %s", count_of(count, "image"), out, size_of(_bytes_in(out)))
    return out


def _rewrite(
    found: ImageFiles,
    settings: ZipSettings,
    content: Callable[[str], bytes],
    rename: Callable[[int, str], str],
) -> tuple[Path, int]:
    """Write what `content` makes of each image under its new name; where, and how many."""
    out = Path(settings.out).expanduser()
    refuse_taken(out, "out")
    names = found.names
    classes = Classes(None)
    if settings.labels:
        classes = find_classes(found.files, names, find_base(list(found.files.sizes)), "labels")
    kept = spread(len(names), settings.limit)
    labels: list[tuple[str, int | None]] = []
    damaged: list[str] = []

    def attempt(number: int) -> bytes | UnreadableImageError:
        try:
            return content(names[number])
        except UnreadableImageError as error:
            return error

    with new_output(out) as add:
        chosen = [names[i] for i in kept]
        for number, result in zip(kept, found.map(attempt, kept, chosen, "writing"), strict=True):
            if isinstance(result, UnreadableImageError):
                if settings.on_corrupt == "error":
                    advice = "fix or remove it, or set on_corrupt=skip"
                    raise found.unusable(names[number], result, advice)
                damaged.append(names[number])
                log.warning("skipping %s (%s)", found.files.locate(names[number]), result)
                continue
            name = rename(len(labels), names[number])
            labels.append((name, classes.labels[number] if classes.labels else None))
            add(name, result)
        if not labels:
            raise UserError(f"path={settings.path}: none of its images is whole")
        add(LABEL_FILE, _label_file(labels, classes))
    if damaged:
        log.warning("skipped %d of %s", len(damaged), count_of(len(kept), "image"))
    return out, len(labels)


def _label_file(labels: Sequence[tuple[str, int | None]], classes: Classes) -> bytes:
    table: dict[str, object] = {"labels": None if classes.labels is None else labels}
    if classes.names:
        table["classes"] = classes.names
    return json.dumps(table).encode()


@contextmanager
def new_output(out: Path) -> Iterator[Add]:
    """A new zip, where the name ends so, or folder, that is there once it is whole.

    The same content makes the same bytes.

    Raises:
        UserError: it cannot be written.
    """
    unfinished = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")

    def add_file(name: str, content: bytes) -> None:
        path = unfinished / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix.lower() == ".zip":
            with replacing(out) as file, zipfile.ZipFile(file, "w") as archive:
                # stored, not compressed: images are already, and readers can seek
                yield lambda name, content: archive.writestr(zipfile.ZipInfo(name), content)
        else:
            unfinished.mkdir()
            yield add_file
            os.rename(unfinished, out)
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def refuse_taken(out: Path, key: str) -> None:
    """Raise UserError where there is something already; nothing is ever overwritten."""
    if os.path.lexists(out):
        raise UserError(f"{key}={out}: is there already; remove it, or give another name")


def _bytes_in(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def size_of(count: int) -> str:
    """Bytes as one says them."""
    size, unit = float(count), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"


def count_of(number: int, noun: str) -> str:
    """`1 image`, `1,200 images`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
