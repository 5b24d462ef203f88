"""Whether a dataset fits into memory, known before any of it is allocated."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from gan_cli.data.dataset import Dataset
from gan_cli.errors import UserError

GIB = 2**30

_BYTES = {"image": 1, "point": 4, "wave": 4, "label": 8}  # of one value, as `Dataset.load` says


def count_bytes(dataset: Dataset) -> int:
    """What all of a prepared dataset takes in memory."""
    sizes = dataset.sizes
    return sum(
        sizes[field.group] * math.prod(field.shape) * _BYTES[field.kind]
        for field in dataset.fields.values()
    )


def explain_excess(needed: int, memory_limit: float) -> str | None:
    """Why `needed` bytes are too many, as a line that names the key; None where they fit.

    Args:
        needed: bytes.
        memory_limit: GiB that data may take, whatever the machine has.
    """
    available = available_bytes()
    if needed > memory_limit * GIB:
        return (
            f"data.memory_limit={memory_limit:g}: the dataset takes {needed / GIB:.2g} GiB; raise "
            "data.memory_limit, or lower data.limit or data.image_size"
        )
    if available is not None and needed > available:
        return (
            f"data.memory_limit={memory_limit:g}: the dataset takes {needed / GIB:.2g} GiB and "
            f"this machine has {available / GIB:.2g} GiB free; lower data.limit or data.image_size"
        )
    return None


def load_if_it_fits(dataset: Dataset, memory_limit: float) -> dict[str, Tensor]:
    """`Dataset.load` of a prepared dataset.

    Raises:
        UserError: it takes more than `memory_limit` GiB, or than the machine has.
    """
    excess = explain_excess(count_bytes(dataset), memory_limit)
    if excess is not None:
        raise UserError(excess)
    return dataset.load()


def available_bytes() -> int | None:
    """Memory that this process can still get: the machine's or its container's; None: unknown."""
    rooms = list(_containers())
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        rooms.append(int(text.partition("MemAvailable:")[2].split()[0]) * 1024)
    except (OSError, ValueError, IndexError):  # no Linux: all there is, free or not
        with contextlib.suppress(AttributeError, OSError, ValueError):
            rooms.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(rooms, default=None)


def _containers() -> Iterator[int]:
    """Room left in this process's control group and those around it (Docker, SLURM)."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").split()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, limit, used = "/sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            root, limit = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
            used = "memory.usage_in_bytes"
        else:
            continue
        folder = Path(root + path)
        for group in (folder, *folder.parents):
            if group.is_relative_to(root):
                yield from _room(group, limit, used)


def _room(group: Path, limit: str, used: str) -> Iterator[int]:
    try:
        most = int((group / limit).read_text(encoding="ascii"))
        now = int((group / used).read_text(encoding="ascii"))
        counted = (group / "memory.stat").read_text(encoding="ascii").split()
    except (OSError, ValueError):  # no such group, or "max": no limit
        return
    values = dict(zip(counted[::2], counted[1::2], strict=False))
    cache = values.get("total_inactive_file", values.get("inactive_file", "0"))
    yield max(most - now + int(cache), 0)  # file pages are given up when memory is wanted
