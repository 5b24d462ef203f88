"""Which folders are runs, in which order, and what to call each."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gan_cli.errors import UserError

CONFIG = "config.yaml"
"""A folder that holds this is a run's."""


def find_runs(paths: Sequence[Path]) -> list[Path]:
    """The runs that `paths` name, each once: a run's folder, or all runs below a folder.

    Below a folder they come in natural order: job 2 of a sweep before job 10.

    Raises:
        UserError: a path is not there, is no folder, cannot be read or holds no run.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            if not path.exists():
                raise UserError(f"{path}: no such folder; give a run's folder or a sweep's")
            if not path.is_dir():
                raise UserError(f"{path}: is a file; give the folder of its run")
            below = list(_runs_below(path))
        except OSError as error:
            raise UserError(
                f"{error.filename or path}: cannot be read ({error.strerror}); leave it out"
            ) from error
        if not below:
            raise UserError(
                f"{path}: holds no run, nor does a folder below; "
                f"give a folder that gan-train wrote, with its {CONFIG}"
            )
        for run in below:
            found.setdefault(run.resolve(), run)
    return list(found.values())


def _runs_below(folder: Path) -> Iterator[Path]:
    if (folder / CONFIG).is_file():
        yield folder  # what lies in a run belongs to it
        return
    for child in sorted(folder.iterdir(), key=lambda path: natural(path.name)):
        # .hydra holds another config.yaml, and a link may lead round in a circle
        if child.is_dir() and not child.is_symlink() and not child.name.startswith("."):
            yield from _runs_below(child)


def short_names(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths, all equally deep, that tell different folders apart."""
    parts = [folder.resolve().parts for folder in folders]
    depth = 1
    while len({path[-depth:] for path in parts}) < len(parts):
        depth += 1
    return ["/".join(path[-depth:]) for path in parts]


def natural(text: str) -> list[str | int]:
    """A sorting key under which `step 9` comes before `step 10`."""
    pieces = re.split(r"([0-9]{1,18})", text)
    return [int(piece) if number % 2 else piece for number, piece in enumerate(pieces)]
