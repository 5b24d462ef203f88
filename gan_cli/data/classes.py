"""Which class each picture file belongs to."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gan_cli.data.files import MAX_BYTES, Files
from gan_cli.data.images import is_picture
from gan_cli.errors import UserError

LABEL_FILE = "dataset.json"


def find_base(names: Collection[str]) -> str:
    """The folder in which classes are told apart, as a prefix of names: `""` or `"a/b/"`.

    That is the outermost with a `dataset.json`, with pictures, or with two or more folders of
    pictures in it: a zip often holds one folder that holds everything.
    """
    pictures, base = [name for name in names if is_picture(name)], ""
    while pictures and base + LABEL_FILE not in names:
        folder, slash, _ = pictures[0][len(base) :].partition("/")
        if not slash or not all(name.startswith(f"{base}{folder}/") for name in pictures):
            break
        base += f"{folder}/"
    return base


def find_classes(files: Files, names: Sequence[str], base: str) -> tuple[list[int] | None, int]:
    """A class number for each of the pictures `names` below `base`, or None; number of classes.

    Raises:
        UserError: a label file that does not fit, or pictures both beside and inside classes.
    """
    label_file = base + LABEL_FILE
    if label_file in files.sizes:
        where = files.locate(label_file)
        table = _read(files, label_file, where)
        return (None, 0) if table["labels"] is None else _from_table(table, names, base, where)
    folders = [name[len(base) :].rpartition("/")[0].partition("/")[0] for name in names]
    if not any(folders):
        return None, 0
    if not all(folders):
        loose = names[folders.index("")]
        raise UserError(
            f"{files.locate(loose)}: lies beside folders of pictures; put every picture into a "
            f"folder (one a class), or all of them into one, or add a {LABEL_FILE}"
        )
    numbers = {folder: number for number, folder in enumerate(sorted(set(folders)))}
    return [numbers[folder] for folder in folders], len(numbers)


def _read(files: Files, name: str, where: str) -> Mapping[str, Any]:
    """The label file as a mapping with `labels`, each label a (name, number)."""
    try:
        if files.sizes[name] > MAX_BYTES:
            raise ValueError(f"{files.sizes[name]} bytes, at most {MAX_BYTES} are read")
        table = json.loads(files.read(name))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{where}: cannot be read ({error}); mend or remove it") from error
    entries = table.get("labels") if isinstance(table, dict) and "labels" in table else ...
    if entries is None or (isinstance(entries, list) and all(map(_is_label, entries))):
        return table
    raise UserError(
        f'{where}: must be {{"labels": [[name, class number], ...]}}, or {{"labels": null}}; '
        "mend or remove it"
    )


def _is_label(entry: object) -> bool:
    match entry:
        case [str(), bool()]:
            return False
        case [str(), int(number)]:
            return number >= 0
    return False


def _from_table(
    table: Mapping[str, Any], names: Sequence[str], base: str, where: str
) -> tuple[list[int], int]:
    numbers: dict[str, int] = dict(table["labels"])
    short = [name[len(base) :] for name in names]
    missing = [name for name in short if name not in numbers]
    if missing:
        raise UserError(
            f"{where}: has no label for {missing[0]!r}"
            + (f" and {len(missing) - 1} more" if missing[1:] else "")
            + "; label every picture or none"
        )
    labels = [numbers[name] for name in short]
    n_classes = len(table["classes"]) if table.get("classes") else max(labels) + 1
    if max(labels) >= n_classes:
        raise UserError(
            f"{where}: has the class number {max(labels)} but {n_classes} classes (from 0 on); "
            "add the missing names to its classes"
        )
    return labels, n_classes
