"""How fast training is, against the textbook loop and against the machine's own limit.

    python benchmarks/bench.py --page docs/performance.md
    python benchmarks/bench.py --cells "dcgan 32" vanilla --batches 64 --rounds 10
    python benchmarks/bench.py --cells dcgan -- trainer.precision=bf16

One line a model, image size and batch size. Each is measured in a process of its own: the tool, the
textbook loop (benchmarks/textbook.py) and a square matrix product take turns, so whatever else the
machine does slows all three. What is in the JSON already is not measured again, so a study can be
cut off, unless --anew.

The machine's limit is the floating-point operations that the networks take (torch's FLOP counter:
matrix products and convolutions, forward and back) over the rate of that matrix product.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import now
from benchmarks.speed import OURS, compare, our_step, seconds, summarise
from benchmarks.textbook import textbook_step
from gan_cli.assembly.devices import open_device
from gan_cli.assembly.flops import count_flops

CELLS = {  # name: model, image size, channels
    "vanilla 28": ("vanilla", 28, 1),
    "dcgan 16": ("dcgan", 16, 1),
    "dcgan 28": ("dcgan", 28, 1),
    "dcgan 32": ("dcgan", 32, 3),
    "dcgan 64": ("dcgan", 64, 3),
    "cgan 28": ("cgan", 28, 1),
    "wgan_gp 32": ("wgan_gp", 32, 3),
    "sngan_resnet 32": ("sngan_resnet", 32, 3),
    "r3gan 32": ("r3gan", 32, 3),
    "pix2pix 32": ("pix2pix", 32, 1),
    "cyclegan 16": ("cyclegan", 16, 1),
}
DATA = {"pix2pix": ["data=digit_outlines"], "cyclegan": ["data=digit_inversion"]}
"""Where a model takes other data than the default."""
BATCHES = (64, 128)
START, END = "<!-- table: benchmarks/bench.py -->", "<!-- end of table -->"
MIB = 2**20

FIRST_STEP = """
import os, sys, time
from gan_cli.engine.trainer import Trainer
play = Trainer.play
def first(self):
    play(self)
    print("first step", time.time(), flush=True)
    os._exit(0)
Trainer.play = first
from gan_cli.cli.train import main
main()
"""


def product(device: torch.device) -> tuple[Callable[[], Any], float]:
    """A square matrix product that fills the device, and its floating-point operations."""
    side = 8192 if device.type == "cuda" else 1024
    a, b = torch.randn(side, side, device=device), torch.randn(side, side, device=device)
    return lambda: a @ b, 2.0 * side**3


def peak_bytes(device: torch.device) -> int:
    """The most memory that was ever used: the device's, or this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def seconds_to_first_step(overrides: Sequence[str], folder: Path) -> float:
    """From the command to the end of its first step."""
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-c", FIRST_STEP, *overrides, f"hydra.run.dir={folder}"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("first step "):
            return float(line.split()[2]) - began
    sys.exit(done.stderr)


def measure(overrides: Sequence[str], rounds: int, device: torch.device) -> dict[str, float | None]:
    """All of one cell but the start, in this process, which should be fresh."""
    before = peak_bytes(device)
    step = our_step(overrides)
    for _ in range(3):  # the first steps allocate
        step()
    now()
    peak = peak_bytes(device) - before
    flops = count_flops(step)
    multiply, operations = product(device)
    steps = {OURS: step, "product": multiply}
    try:
        steps["textbook"] = textbook_step(overrides)
    except SystemExit as problem:  # it does not know this game
        print(problem, file=sys.stderr)
    clocks = {name: partial(seconds, one) for name, one in steps.items()}
    compare(clocks, 1)
    times = compare(clocks, rounds)
    found = summarise(times)
    rate = operations / statistics.median(times["product"])
    own = statistics.median(times[OURS])
    return {
        "ms": found[f"{OURS}_ms"],
        "textbook_ms": found.get("textbook_ms"),
        "ratio": found.get("textbook_ratio"),
        "gflop": flops / 1e9,
        "limit_gflops": rate / 1e9,
        "share_of_limit": flops / own / rate,
        "peak_mib": peak / MIB,
    }


def overrides_of(name: str, batch: int, device: str, further: Sequence[str]) -> list[str]:
    """The keys of a cell."""
    model, size, channels = CELLS[name]
    return [
        *(f"model={model}", *DATA.get(model, [])),
        *(f"data.image_size={size}", f"data.channels={channels}"),
        *(f"data.batch_size={batch}", f"trainer.device={device}", *further),
    ]


def measure_apart(name: str, batch: int, given: argparse.Namespace) -> dict[str, Any]:
    """A cell in a process of its own, and a start."""
    overrides = overrides_of(name, batch, given.device, given.overrides)
    order = ["--one", name, "--batches", str(batch), "--rounds", str(given.rounds)]
    order += ["--device", given.device, "--", *given.overrides]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench", *order],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{name} at batch {batch} gave up; its message stands above")
    found = json.loads(done.stdout.splitlines()[-1])
    found["images_per_second"] = 1e3 * batch / found["ms"]
    if found["textbook_ms"]:
        found["textbook_images_per_second"] = 1e3 * batch / found["textbook_ms"]
    start = [*overrides, "trainer.sample_every=0"]
    found["first_step_s"] = seconds_to_first_step(start, given.runs / f"{name} {batch}")
    return {"cell": name, "batch": batch, "rounds": given.rounds, "overrides": overrides} | found


def table(about: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> str:
    """The figures as Markdown."""
    lines = [
        f"{about['machine']}, {about['device']}, {about['threads']} thread(s), torch "
        f"{about['torch']}; medians of {min(c['rounds'] for c in cells)} rounds or more.",
        "",
        "| model | batch | images/s | textbook | ratio | of the limit | peak MiB | first step, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for c in cells:
        textbook = c.get("textbook_images_per_second")
        figures = [
            f"{c['images_per_second']:.0f}",
            f"{textbook:.0f}" if textbook else "",
            f"{c['ratio']:.2f}" if textbook else "",
            f"{c['share_of_limit']:.0%}",
            f"{c['peak_mib']:.0f}",
            f"{c['first_step_s']:.1f}",
        ]
        lines.append(f"| {c['cell']} | {c['batch']} | {' | '.join(figures)} |")
    return "\n".join(lines)


def put_on_page(page: Path, text: str, start: str = START) -> None:
    """Replace what stands between the page's marks."""
    whole = page.read_text(encoding="utf-8")
    before, _, rest = whole.partition(start)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{start}\n{text}\n{END}{after}", encoding="utf-8")


def describe(device: str) -> dict[str, Any]:
    opened = open_device(device, "--device")
    machine = f"{platform.machine()} with {os.cpu_count()} cores"
    if opened.type == "cuda":
        machine = torch.cuda.get_device_name(opened)
    elif hasattr(torch.cpu, "get_capabilities"):
        machine += f", {torch.cpu.get_capabilities().get('cpu_name', 'unnamed')}"
    return {
        "machine": machine,
        "device": str(opened),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", nargs="+", default=list(CELLS), help="or beginnings of names")
    parser.add_argument("--batches", nargs="+", type=int, default=list(BATCHES))
    parser.add_argument("--rounds", type=int, default=20, help="steps of each")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, default=Path("outputs/bench.json"))
    parser.add_argument("--runs", type=Path, default=Path("outputs/bench"))
    parser.add_argument("--page", type=Path, help="Markdown whose table is replaced")
    parser.add_argument("--anew", action="store_true", help="measure what is there already too")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("overrides", nargs="*", help="further keys, such as trainer.precision=bf16")
    return parser.parse_intermixed_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = parse(arguments)
    if given.one:
        overrides = overrides_of(given.one, given.batches[0], given.device, given.overrides)
        found = measure(overrides, given.rounds, open_device(given.device, "--device"))
        print(json.dumps(found))
        return
    names = [n for n in CELLS if any(n.startswith(asked) for asked in given.cells)]
    there = json.loads(given.json.read_text())["cells"] if given.json.is_file() else []
    cells = {(c["cell"], c["batch"]): c for c in there}
    about = describe(given.device)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    for name in names:
        for batch in given.batches:
            asked = overrides_of(name, batch, given.device, given.overrides)
            if given.anew or cells.get((name, batch), {}).get("overrides") != asked:
                cells[name, batch] = measure_apart(name, batch, given)
            # after each cell: a study that is cut off keeps what it has
            ordered = [cells[k] for k in sorted(cells, key=lambda k: ([*CELLS].index(k[0]), k[1]))]
            given.json.write_text(json.dumps(about | {"cells": ordered}, indent=2) + "\n")
            print(table(about, [cells[name, batch]]).splitlines()[-1], flush=True)
    if given.page:
        put_on_page(given.page, table(about, ordered))


if __name__ == "__main__":
    main()
