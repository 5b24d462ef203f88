"""How fast a training step is: a ratio against the textbook loop on the same networks and data.

    python benchmarks/speed.py
    python benchmarks/speed.py --models dcgan wgan_gp --rounds 20 --json speed.json
    python benchmarks/speed.py --image-size 64 --channels 3 --against ../an-older-checkout

What the textbook loop is, benchmarks/textbook.py says. Both loops take turns in one process, so
whatever else the machine does slows both, and the ratio is the median over rounds.

`--against` also times the step of another checkout of this package, in a process of its own that
waits while this one works. That checkout's benchmarks/speed.py has to have `our_step` too.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import now, open_settings, open_trainer
from benchmarks.textbook import textbook_step
from gan_cli.assembly.devices import open_device

OURS = "gan-train"
OTHER = """
import sys
from benchmarks.speed import our_step, seconds
step = our_step(sys.argv[1:])
step()
for _ in iter(sys.stdin.readline, ""):
    print("seconds", seconds(step), flush=True)
"""


def our_step(overrides: Sequence[str]) -> Callable[[], Any]:
    """A step of gan-train: every player's turns, and the mean of weights."""
    return open_trainer(*open_settings([*overrides, "trainer.log_every=1000000"])).play


class OtherCheckout:
    """The step of another checkout, in a process that works only when it is asked to.

    Args:
        folder: the checkout.
        overrides: of its run.
    """

    def __init__(self, folder: Path, overrides: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", OTHER, *overrides],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder.absolute())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self) -> float:
        """Take a step there; how long it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("seconds "):
                return float(line.split()[1])
        sys.exit("the other checkout gave up; its message stands above")

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


def seconds(step: Callable[[], Any], times: int = 1) -> float:
    """How long a call takes, in the mean over some, the device's work included."""
    began = now()
    for _ in range(times):
        step()
    return (now() - began) / times


def compare(clocks: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each in every round; who begins changes from round to round."""
    times: dict[str, list[float]] = {name: [] for name in clocks}
    for number in range(rounds):
        names = list(clocks)
        for name in names if number % 2 == 0 else reversed(names):
            times[name].append(clocks[name]())
    return times


def summarise(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Median milliseconds of each, and the others' ratios to gan-train: above 1 if slower.

    A ratio is the median of those of single rounds.
    """
    found = {f"{name}_ms": 1e3 * statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        if name != OURS:
            ratios = [theirs / mine for theirs, mine in zip(values, times[OURS], strict=True)]
            found[f"{name}_ratio"] = statistics.median(ratios)
    return found


def measure(
    overrides: Sequence[str], rounds: int, against: Path | None, steps_a_round: int = 1
) -> dict[str, float]:
    """All that is measured of one model."""
    steps = {OURS: our_step(overrides), "textbook": textbook_step(overrides)}
    clocks = {name: partial(seconds, step, steps_a_round) for name, step in steps.items()}
    other = OtherCheckout(against, overrides) if against else None
    if other:
        clocks["other"] = other.seconds  # type: ignore[assignment]
    try:
        compare(clocks, 1)  # the first step allocates
        return summarise(compare(clocks, rounds))
    finally:
        if other:
            other.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["dcgan"])
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10, help="in which each steps")
    parser.add_argument(
        "--steps", type=int, default=1, help="in a round; 16 where terms come each 16th step only"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--against", type=Path, help="another checkout of this package")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("overrides", nargs="*", help="further keys, such as trainer.precision=bf16")
    given = parser.parse_intermixed_args(arguments)
    about = {
        "torch": torch.__version__,
        "device": str(open_device(given.device, "--device")),
        "threads": torch.get_num_threads(),
        "rounds": given.rounds,
    }
    models = {}
    for model in given.models:
        size = [f"data.image_size={given.image_size}", f"data.channels={given.channels}"]
        overrides = [
            *(f"model={model}", *(["data=tones"] if model.startswith("hifigan") else size)),
            *(f"data.batch_size={given.batch_size}", f"trainer.device={given.device}"),
            *given.overrides,
        ]
        found = measure(overrides, given.rounds, given.against, given.steps)
        models[model] = {"overrides": overrides} | found
        print(f"{model} {' '.join(overrides[1:-2])}", end=" ")
        print(f"batch {given.batch_size}, medians of {given.rounds} rounds:", end=" ")
        print(", ".join(f"{name} {value:.4g}" for name, value in found.items()), flush=True)
        if given.json:  # after each model: a study that is cut off keeps what it has
            given.json.write_text(json.dumps(about | {"models": models}, indent=2) + "\n")


if __name__ == "__main__":
    main()
