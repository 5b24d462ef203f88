"""Where the two sides of a translation lie among image files, and which part is held out."""

from collections.abc import Iterator, Sequence

from gan_cli.data.classes import find_base
from gan_cli.data.dataset import Split, other
from gan_cli.errors import UserError

_FOLDERS: dict[Split, tuple[str, ...]] = {"train": ("train",), "test": ("test", "val")}


def find_sides(
    names: Sequence[str], split: Split, a: str, b: str, where: str
) -> tuple[str, str] | None:
    """The two folders with the images of each side, as prefixes of names, or None.

    For A and B that is the first of `trainA` and `trainB`, `train_A` and `train_B`, `train/A` and
    `train/B`, `A/train` and `B/train`, and, as `train` only, `A` and `B`. `test` may be called
    `val`. Folders around all of it are ignored.

    Args:
        names: of image files.
        split: which part is wanted.
        a: what one side's folder is called.
        b: the other's.
        where: what errors begin with.

    Raises:
        UserError: one side has no images.
    """
    lonely = None
    for pattern in _patterns(split):
        for base in _bases(names):
            pair = tuple(f"{base}{pattern.format(side)}/" for side in (a, b))
            found = [_holds(names, prefix) for prefix in pair]
            if all(found):
                return pair[0], pair[1]
            if any(found) and lonely is None:
                lonely = pair if found[0] else pair[::-1]
    if lonely is not None:
        side = a if lonely[1].find(a) > lonely[1].find(b) else b
        raise UserError(
            f"{where}: {lonely[1]} has no images but {lonely[0]} has some: side {side!r} is empty"
        )
    return None


def find_two(names: Sequence[str], split: Split) -> tuple[str, str] | None:
    """The only two folders of images there are, in the order of their names, or None.

    They lie in a folder called after the split, or, as `train`, in the outermost.
    """
    inner = [f"{base}{part}/" for base in _bases(names) for part in _FOLDERS[split]]
    for base in (*inner, *(_bases(names) if split == "train" else ())):
        folders = _folders(names, base)
        if len(folders) == 2 and not folders & _all_parts():
            first, second = sorted(folders)
            return f"{base}{first}/", f"{base}{second}/"
    return None


def find_part(names: Sequence[str], split: Split) -> str | None:
    """The folder of a split, or, as `train`, of everything where there are no splits, or None."""
    for base in _bases(names):
        for part in _FOLDERS[split]:
            if _holds(names, f"{base}{part}/"):
                return f"{base}{part}/"
    divided = any(
        _holds(names, f"{base}{part}/") for base in _bases(names) for part in _all_parts()
    )
    return find_base(names) if split == "train" and not divided else None


def describe(names: Sequence[str]) -> str:
    """The folders that were found, for errors."""
    folders = sorted(_folders(names, find_base(names)))
    listed = ", ".join(folders[:5]) + (", ..." if folders[5:] else "")
    return f"has the folders {listed}" if folders else "has no folders in it"


def _patterns(split: Split) -> Iterator[str]:
    for part in _FOLDERS[split]:
        yield from (f"{part}{{}}", f"{part}_{{}}", f"{part}/{{}}", f"{{}}/{part}")
    if split == "train":
        yield "{}"


def _bases(names: Sequence[str]) -> list[str]:
    """The folder that all names share, and those around it, innermost first."""
    parts = find_base(names).split("/")[:-1]
    return ["".join(f"{part}/" for part in parts[:n]) for n in range(len(parts), -1, -1)]


def _holds(names: Sequence[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)


def _folders(names: Sequence[str], base: str) -> set[str]:
    below = [name[len(base) :] for name in names if name.startswith(base)]
    return {name.partition("/")[0] for name in below if "/" in name}


def _all_parts() -> set[str]:
    return {*_FOLDERS["train"], *_FOLDERS[other("train")]}
