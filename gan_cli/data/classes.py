"""Which class each image file belongs to."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_cli.data.files import MAX_BYTES, Files
from gan_cli.data.images import is_image
from gan_cli.errors import UserError

LABEL_FILE = "dataset.json"
MOST_CLASSES = 100_000
"""A larger class number is a mistake: classes are numbered from 0 on, without gaps."""


@dataclass(frozen=True)
class Classes:
    """What image files were found to be.

    Attributes:
        labels: a class number for each file, or None where there are no classes.
        count: number of classes.
        names: one for each class; empty where they are not known.
    """

    labels: list[int] | None
    count: int = 0
    names: tuple[str, ...] = ()


def find_base(names: Collection[str]) -> str:
    """The folder in which classes are told apart, as a prefix of names: `""` or `"a/b/"`.

    That is the outermost with a `dataset.json`, with images, or with two or more folders of
    images in it: a zip often holds one folder that holds everything.
    """
    images, base = [name for name in names if is_image(name)], ""
    while images and base + LABEL_FILE not in names:
        folder, slash, _ = images[0][len(base) :].partition("/")
        if not slash or not all(name.startswith(f"{base}{folder}/") for name in images):
            break
        base += f"{folder}/"
    return base


def find_classes(
    files: Files, names: Sequence[str], base: str, key: str = "data.labels"
) -> Classes:
    """The classes of the images `names` below `base`; `key` is the config's name for asking so.

    Raises:
        UserError: a label file that does not fit, or images both beside and inside classes.
    """
    label_file = base + LABEL_FILE
    if label_file in files.sizes:
        where = files.locate(label_file)
        table = _read(files, label_file, where)
        if table["labels"] is None:
            return Classes(None)
        return _from_table(table, names, base, where)
    folders = [name[len(base) :].rpartition("/")[0].partition("/")[0] for name in names]
    if not any(folders):
        return Classes(None)
    if not all(folders):
        loose = names[folders.index("")]
        raise UserError(
            f"{files.locate(loose)}: lies beside folders of images; set {key}=false for no "
            f"classes, or put every image into a folder (one a class), or add a {LABEL_FILE}"
        )
    classes = sorted(set(folders))
    numbers = {folder: number for number, folder in enumerate(classes)}
    return Classes([numbers[folder] for folder in folders], len(classes), tuple(classes))


def _read(files: Files, name: str, where: str) -> Mapping[str, Any]:
    """The label file as a mapping with `labels`, each label a (name, number)."""
    try:
        if files.sizes[name] > MAX_BYTES:
            raise ValueError(f"{files.sizes[name]} bytes, at most {MAX_BYTES} are read")
        table = json.loads(files.read(name))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{where}: cannot be read ({error}); fix or remove it") from error
    entries = table.get("labels") if isinstance(table, dict) and "labels" in table else ...
    fits = entries is None or (isinstance(entries, list) and all(map(_is_label, entries)))
    if fits and _are_names(table.get("classes")):
        return table
    raise UserError(
        f'{where}: must be {{"labels": [[name, class number], ...], "classes": [name, ...]}}, or '
        f'{{"labels": null}}, class numbers below {MOST_CLASSES:,}; fix or remove it'
    )


def _is_label(entry: object) -> bool:
    match entry:
        case [str(), bool()]:
            return False
        case [str(), int(number)]:
            return 0 <= number < MOST_CLASSES
    return False


def _are_names(classes: object) -> bool:
    listed = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    return classes is None or listed


def _from_table(table: Mapping[str, Any], names: Sequence[str], base: str, where: str) -> Classes:
    numbers: dict[str, int] = dict(table["labels"])
    short = [name[len(base) :] for name in names]
    missing = [name for name in short if name not in numbers]
    if missing:
        raise UserError(
            f"{where}: has no label for {missing[0]!r}"
            + (f" and {len(missing) - 1} more" if missing[1:] else "")
            + "; label every image or none"
        )
    labels = [numbers[name] for name in short]
    classes = tuple(table.get("classes") or ())
    if classes and max(labels) >= len(classes):
        raise UserError(
            f"{where}: has the class number {max(labels)} but {len(classes)} classes (from 0 on); "
            "add the missing names to its classes"
        )
    return Classes(labels, len(classes) or max(labels) + 1, classes)
