"""Whether data that streams from disk keeps a trainer fed.

    python benchmarks/loading.py --out outputs/loading.json
    python benchmarks/loading.py --kinds png --workers 0 4 --models dcgan --device cuda

Writes pictures (smooth noise; PNG of 32 pixels, JPEG of 256 that are made smaller) into a folder,
then draws batches of them: the loader alone for each number of `data.workers`, and whole training
steps, from memory (what the trainer needs) and streamed.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch.nn import functional

from benchmarks.common import open_settings, open_trainer
from benchmarks.speed import compare, seconds
from gan_cli.assembly.build import build_batches
from gan_cli.viz.images import to_pil

KINDS = {"png": (32, 32), "jpg": (256, 64)}
"""Of files: their pixels, and those of a training image."""
BATCH, COUNT, WARM_UP = 64, 4096, 3
ROUND = 1.0
"""Seconds of steps that are timed together."""


def write_pictures(folder: Path, kind: str, count: int) -> None:
    """Smooth noise, which a PNG or JPEG takes about as many bytes for as for photographs."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    side = KINDS[kind][0]
    for number in range(count):
        coarse = torch.rand(1, 3, side // 4, side // 4, generator=generator)
        fine = functional.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 1)[0]
        to_pil((255 * fine).to(torch.uint8)).save(folder / f"{number:05}.{kind}")


def overrides_of(folder: Path, kind: str, *further: str) -> list[str]:
    """The keys of a run on this folder."""
    size = KINDS[kind][1]
    return [
        *("data=folder", f"data.root={folder}", f"data.image_size={size}", "data.channels=3"),
        *(f"data.batch_size={BATCH}", "data.cache=false", "trainer.log_every=1000000", *further),
    ]


def loader_rate(overrides: Sequence[str], lasting: float) -> float:
    """Images a second of the stream alone, once its workers are at work."""
    settings, dataset, device = open_settings(overrides)
    batches = build_batches(settings, dataset, device)
    try:
        for _ in range(WARM_UP):
            batches.next()
        began, drawn = time.perf_counter(), 0
        while time.perf_counter() - began < lasting:
            batches.next()
            drawn += BATCH
        return drawn / (time.perf_counter() - began)
    finally:
        batches.close()


def step_rates(
    from_memory: Sequence[str], streamed: Sequence[str], rounds: int
) -> dict[str, float]:
    """Images a second of training on the same files from memory and from disk, in turn."""
    trainers = {
        "memory": open_trainer(*open_settings(from_memory)),
        "stream": open_trainer(*open_settings(streamed)),
    }
    try:
        steps = max(1, round(ROUND / seconds(trainers["memory"].play, WARM_UP)))
        clocks = {
            name: (lambda play=trainer.play: seconds(play, steps))
            for name, trainer in trainers.items()
        }
        compare(clocks, 1)
        times = compare(clocks, rounds)
    finally:
        trainers["stream"].batches.close()
    return {name: BATCH / statistics.median(values) for name, values in times.items()}


def measure(kind: str, given: argparse.Namespace, folder: Path) -> Iterator[dict[str, object]]:
    """Each figure of a kind of files, as it is there."""
    write_pictures(folder, kind, given.count)
    stream = ("data.memory_limit=1e-6", f"trainer.device={given.device}")
    for workers in given.workers:
        asked = overrides_of(folder, kind, *stream, f"data.workers={workers}")
        rate = loader_rate(asked, given.seconds)
        yield {"files": kind, "workers": workers, "loader": rate}
    for model in given.models:
        device = (f"model={model}", f"trainer.device={given.device}")
        for workers in given.workers:
            found = step_rates(
                overrides_of(folder, kind, *device),
                overrides_of(folder, kind, *device, *stream, f"data.workers={workers}"),
                given.rounds,
            )
            yield {"files": kind, "workers": workers, "model": model} | found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--workers", nargs="+", type=int, default=[0, 1, 2, 4])
    parser.add_argument("--models", nargs="*", default=["vanilla"])
    parser.add_argument("--count", type=int, default=COUNT, help="files of each kind")
    parser.add_argument("--seconds", type=float, default=5, help="of the loader alone")
    parser.add_argument("--rounds", type=int, default=5, help=f"of {ROUND:g} s each")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("outputs/loading.json"))
    given = parser.parse_args(arguments)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    about = {"torch": torch.__version__, "device": given.device, "cpus": os.cpu_count()}
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in given.kinds:
            for line in measure(kind, given, Path(folder) / kind):
                found.append(line)
                given.out.write_text(json.dumps(about | {"rates": found}, indent=2) + "\n")
                shown = (f"{v:.0f}" if isinstance(v, float) else str(v) for v in line.values())
                print(" ".join(f"{k}={v}" for k, v in zip(line, shown, strict=True)), flush=True)


if __name__ == "__main__":
    main()
