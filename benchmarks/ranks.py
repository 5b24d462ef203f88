"""What several processes cost: bytes that a step sends, and its time beside that of one process.

    python benchmarks/ranks.py
    python benchmarks/ranks.py --models dcgan wgan_gp --ranks 2 --rounds 20 --json ranks.json

Processes on this machine, joined by gloo. They and one that is alone take turns, so whatever else
the machine does slows both; ratios are medians over rounds. `shared` is the same batch parted among
them, `larger` as many samples for each of them as one process has. Bytes are those given to
collectives in a step, and those that the loopback device has carried meanwhile: others' too.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing

from benchmarks.common import open_settings
from benchmarks.speed import seconds
from gan_cli.assembly.build import build_batches, build_game, build_players, build_trainer
from gan_cli.engine.distributed import ALONE, Ranks
from gan_cli.engine.joined import Joined
from gan_cli.engine.trainer import Trainer

QUIET = ["trainer.log_every=1000000", "trainer.device=cpu"]


def open_joined(overrides: Sequence[str], ranks: Ranks) -> Trainer:
    """A trainer without probes and sinks, as one of several."""
    settings, dataset, device = open_settings([*overrides, *QUIET])
    game = build_game(settings, dataset.fields)
    players = build_players(settings, game)
    batches = build_batches(settings, dataset, device, None, ranks)
    return build_trainer(settings, game, players, batches, device, ranks)


class Counter:
    """Counts what is given to all-reduces, by how much it is."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._reduce = distributed.all_reduce

    def __enter__(self) -> "Counter":
        def counting(tensor: torch.Tensor, *given: Any, **more: Any) -> Any:
            self.sizes.append(tensor.nbytes)
            return self._reduce(tensor, *given, **more)

        distributed.all_reduce = counting
        return self

    def __exit__(self, *_: object) -> None:
        distributed.all_reduce = self._reduce


def carried() -> int:
    """Bytes that the loopback device has received."""
    for line in Path("/proc/net/dev").read_text(encoding="ascii").splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            return int(counts.split()[0])
    return 0


def measure(
    rank: int, size: int, folder: str, model: str, more: Sequence[str], batch: int, rounds: int
) -> None:
    """One process of the measurement; rank 0 leaves what it found in the folder."""
    torch.set_num_threads(1)
    store = distributed.FileStore(f"{folder}/store", size)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=size)
    ranks = Joined(rank, size)
    base = [f"model={model}", *more]
    alone = open_joined([*base, f"data.batch_size={batch}"], ALONE)
    joined = {
        "shared": open_joined([*base, f"data.batch_size={batch}"], ranks),
        "larger": open_joined([*base, f"data.batch_size={size * batch}"], ranks),
    }
    found: dict[str, Any] = {}
    with Counter() as counter:
        joined["shared"].play()
        found["given"] = counter.sizes
    for trainer in (alone, *joined.values()):
        trainer.play()
    before = carried()
    for _ in range(rounds):
        joined["shared"].play()
    found["carried"] = (carried() - before) / rounds
    times: dict[str, list[float]] = {}

    def clock(name: str, trainer: Trainer) -> None:
        began = time.process_time()
        times.setdefault(name, []).append(seconds(trainer.play))
        times.setdefault(f"{name}_cpu", []).append(time.process_time() - began)

    for _ in range(rounds):
        if rank == 0:
            clock("alone", alone)
        for name, trainer in joined.items():
            distributed.barrier()
            clock(name, trainer)
    exchange = []
    for _ in range(50):
        distributed.barrier()
        exchange.append(seconds(ranks._agree))
    if rank:
        return
    found["parameters"] = sum(p.numel() for p in alone.game.parameters())
    found["exchange_ms"] = 1e3 * statistics.median(exchange)
    found["alone_ms"] = 1e3 * statistics.median(times["alone"])
    for name in joined:
        for kind in ("", "_cpu"):
            pairs = zip(times[name + kind], times[f"alone{kind}"], strict=True)
            found[name + kind] = statistics.median(mine / other for mine, other in pairs)
    Path(folder, "found.json").write_text(json.dumps(found), encoding="utf-8")


def report(model: str, found: Mapping[str, Any]) -> str:
    """What was found, in a few lines."""
    given = " + ".join(f"{size:,}" for size in found["given"])
    return (
        f"{model}: {found['parameters']:,} parameters\n"
        f"  bytes given to all-reduces in a step: {given}\n"
        f"  bytes carried in a step: {found['carried']:,.0f}\n"
        f"  one process {found['alone_ms']:.1f} ms, an exchange {found['exchange_ms']:.2f} ms\n"
        f"  of its time and of its processor's: the batch shared {found['shared']:.2f} and"
        f" {found['shared_cpu']:.2f}, as much for each {found['larger']:.2f} and"
        f" {found['larger_cpu']:.2f}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["dcgan"])
    parser.add_argument("--overrides", nargs="*", default=[], help="further keys of all of them")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64, help="samples of one process")
    parser.add_argument("--rounds", type=int, default=20, help="steps of each")
    parser.add_argument("--json", type=Path, help="where to write what was found")
    given = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    everything = {}
    for model in given.models:
        with tempfile.TemporaryDirectory() as folder:
            multiprocessing.start_processes(
                measure,
                (given.ranks, folder, model, given.overrides, given.batch, given.rounds),
                nprocs=given.ranks,
                start_method="fork",
            )
            everything[model] = json.loads(Path(folder, "found.json").read_text())
        print(report(model, everything[model]), flush=True)
    if given.json:
        about = {"torch": torch.__version__, "ranks": given.ranks, "batch": given.batch}
        about["overrides"] = given.overrides
        given.json.write_text(json.dumps(about | {"models": everything}, indent=2) + "\n")


if __name__ == "__main__":
    main()
