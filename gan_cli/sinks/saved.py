"""Which checkpoints lie where, told by their names alone."""

import re
from collections.abc import Iterator
from pathlib import Path

NAME = re.compile(r"step-(\d{8,})\.pt")
SEARCH_DEPTH, MAX_SEARCHED = 3, 2_000
"""How far below a folder, and in how many, runs to name are searched."""
MAX_LISTED = 5


def saved_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest step first; clocks and file dates play no part."""
    steps = {path: NAME.fullmatch(path.name) for path in folder.glob("step-*.pt")}
    return sorted((p for p, m in steps.items() if m), key=lambda p: int(p.stem.split("-")[1]))


def advise(folder: Path) -> str:
    """What to name instead of a folder without checkpoints."""
    runs = sorted(_runs_below(folder), key=lambda run: run.parts, reverse=True)
    if not runs:
        return "name a run folder or a .pt file"
    more = f" and {len(runs) - MAX_LISTED} more" if len(runs) > MAX_LISTED else ""
    return f"name one of: {', '.join(map(str, runs[:MAX_LISTED]))}{more}"


def _runs_below(folder: Path) -> Iterator[Path]:
    """Run folders not far below, as in outputs/runs/DAY/TIME; links are not followed."""
    waiting = [(folder, 0)]
    for _ in range(MAX_SEARCHED):
        if not waiting:
            return
        place, depth = waiting.pop()
        try:
            below = [p for p in place.iterdir() if p.is_dir() and not p.is_symlink()]
            if depth and saved_in(place / "checkpoints"):
                yield place
            elif depth < SEARCH_DEPTH:
                waiting += [(p, depth + 1) for p in below if not p.name.startswith(".")]
        except OSError:
            continue  # not ours to read
