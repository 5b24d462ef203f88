"""How much memory a training step takes, beside what it cannot do without.

    python -m benchmarks.memory --page docs/performance.md
    python -m benchmarks.memory --cells "dcgan 32" vanilla --batches 64 --json memory.json

Needed are weights and buffers, their running mean, what optimizers remember, a gradient for every
weight, the batch, and activations: what a backward pass reads of its forward pass, at its largest.
The peak is of all tensors that are alive at once in the first three steps. On a CPU it leaves out
what a kernel takes for itself while it runs; on a GPU it is the allocator's, which knows.
"""

import argparse
import json
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.bench import BATCHES, CELLS, MIB, overrides_of, put_on_page
from benchmarks.common import now, open_settings, open_trainer
from gan_cli.assembly.devices import open_device
from gan_cli.engine.trainer import Trainer

START = "<!-- table: benchmarks/memory.py -->"
STEPS = 3


class Storages:
    """Bytes of the storages that are held, each counted once however often it is held.

    Args:
        apart: tensors whose storages are not counted.

    Attributes:
        peak: the most bytes at once.
    """

    def __init__(self, apart: Sequence[Tensor] = ()) -> None:
        self.peak, self._now = 0, 0
        self._holders = dict[int, int]()
        self._apart = {tensor.untyped_storage()._cdata for tensor in apart}

    def hold(self, tensor: Tensor, holder: Any) -> None:
        """Count a tensor's storage until `holder` is gone."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._apart:
            return
        self._holders[key] = self._holders.get(key, 0) + 1
        if self._holders[key] == 1:
            self._now += size
            self.peak = max(self.peak, self._now)
        weakref.finalize(holder, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._holders[key] -= 1
        if not self._holders[key]:
            del self._holders[key]
            self._now -= size


class Made(TorchDispatchMode):
    """Holds what operations make for as long as it is alive."""

    def __init__(self, storages: Storages) -> None:
        super().__init__()
        self._storages, self._seen = storages, weakref.WeakSet[Any]()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for value in tree_leaves(made):
            if isinstance(value, Tensor) and (own := value.untyped_storage()) not in self._seen:
                self._seen.add(own)
                self._storages.hold(value, own)
        return made


class Kept:
    """What a backward pass will read; its storage is held until it has."""

    def __init__(self, tensor: Tensor, storages: Storages) -> None:
        self.tensor = tensor
        storages.hold(tensor, self)


@contextmanager
def activations(apart: Sequence[Tensor]) -> Iterator[Storages]:
    """Count what backward passes keep of their forward passes."""
    storages = Storages(apart)
    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(lambda tensor: Kept(tensor, storages), lambda kept: kept.tensor):
        yield storages


@contextmanager
def peak(device: torch.device, apart: Sequence[Tensor]) -> Iterator[Callable[[], int]]:
    """The most bytes that were alive at once, of all that was made inside."""
    storages = Storages(apart)
    if device.type != "cuda":
        with Made(storages):
            yield lambda: storages.peak
        return
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    yield lambda: torch.cuda.max_memory_allocated(device) - before


def bytes_of(tensors: Sequence[Tensor]) -> int:
    """Of their storages, each counted once."""
    return sum({t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors}.values())


def lasting(trainer: Trainer) -> list[Tensor]:
    """Weights, buffers and their running mean."""
    average = trainer.average.state_dict() if trainer.average else {}
    found = [*trainer.game.parameters(), *trainer.game.buffers(), *tree_leaves(average)]
    return [value for value in found if isinstance(value, Tensor)]


def measure(overrides: Sequence[str]) -> dict[str, float]:
    """MiB of each kind that is needed, the peak, and its ratio to all of them."""
    settings, dataset, device = open_settings(overrides)
    trainer = open_trainer(settings, dataset, device)
    state = lasting(trainer)
    with activations(state) as kept:
        for _ in range(STEPS):
            batch = trainer.play()
    memory = [leaf for p in trainer.players for leaf in tree_leaves(p.optimizer.state_dict())]
    trained = [p for player in trainer.players for p in player.parameters]
    found = {
        "weights and mean": bytes_of(state),
        "optimizers": bytes_of([value for value in memory if isinstance(value, Tensor)]),
        "gradients": sum(p.nbytes for p in trained),
        "activations": kept.peak,
        "real samples": bytes_of([*batch.values()]),
    }
    needed, fixed = sum(found.values()), found["weights and mean"]
    fresh = open_trainer(settings, dataset, device)
    with peak(device, lasting(fresh)) as made:
        for _ in range(STEPS):
            fresh.play()
        now()
        most = fixed + made()
    return {name: value / MIB for name, value in found.items()} | {
        "needed": needed / MIB,
        "peak": most / MIB,
        "ratio": most / needed,
    }


def table(about: str, cells: Sequence[Mapping[str, Any]]) -> str:
    """The figures as Markdown."""
    names = [name for name in cells[0] if name not in ("cell", "batch", "overrides", "ratio")]
    lines = [
        f"{about}; MiB.",
        "",
        f"| model | batch | {' | '.join(names)} | peak over needed |",
        f"|---|---|{'---|' * len(names)}---|",
    ]
    for cell in cells:
        figures = [f"{cell[name]:.1f}" for name in names]
        lines.append(
            f"| {cell['cell']} | {cell['batch']} | {' | '.join(figures)} | {cell['ratio']:.2f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", nargs="+", default=list(CELLS), help="or beginnings of names")
    parser.add_argument("--batches", nargs="+", type=int, default=list(BATCHES))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, default=Path("outputs/memory.json"))
    parser.add_argument("--page", type=Path, help="Markdown whose table is replaced")
    parser.add_argument("overrides", nargs="*", help="further keys, such as trainer.precision=bf16")
    given = parser.parse_intermixed_args(arguments)
    device = open_device(given.device, "--device")
    about = {"device": str(device), "torch": torch.__version__}
    given.json.parent.mkdir(parents=True, exist_ok=True)
    cells = list[dict[str, Any]]()
    for name in [n for n in CELLS if any(n.startswith(asked) for asked in given.cells)]:
        for batch in given.batches:
            overrides = overrides_of(name, batch, given.device, given.overrides)
            cells.append(
                {"cell": name, "batch": batch, "overrides": overrides} | measure(overrides)
            )
            # after each cell: a study that is cut off keeps what it has
            given.json.write_text(json.dumps(about | {"cells": cells}, indent=2) + "\n")
            print(table("", cells[-1:]).splitlines()[-1], flush=True)
    if given.page:
        text = table(f"{device}, torch {torch.__version__}", cells)
        put_on_page(given.page, text, START)


if __name__ == "__main__":
    main()
