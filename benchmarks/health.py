"""What watching a run's health costs: the share of a run's time that goes into it.

Measured in one run, from report to report: the looks at both players, and D's accuracies in each of
its turns. Whatever else the machine does slows these and the training alike.

    python benchmarks/health.py
    python benchmarks/health.py model=vanilla data=gaussians
    python benchmarks/health.py --rounds 20 model=dcgan data=cifar10
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from gan_cli.games import two_player as gan
from hydra import compose, initialize_config_dir

from gan_cli.assembly.build import build_batches, build_parts, build_trainer, open_device
from gan_cli.config.schema import check
from gan_cli.engine.trainer import Trainer
from gan_cli.paths import conf_folder
from gan_cli.runs.probes import attach_probes


class Stopwatch:
    """Adds up the time that calls take, the device's work included."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            began = now()
            result = call(*arguments, **options)
            self.seconds += now() - began
            return result

        return timed


def now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def a_trainer(overrides: Sequence[str]) -> Trainer:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", [*overrides, "name=health"])
    checked = check(config)
    device = open_device(checked["trainer"]["device"])
    parts = build_parts(checked)
    parts.dataset.prepare()
    trainer = build_trainer(checked, parts, build_batches(checked, parts.dataset, device), device)
    attach_probes(trainer, checked, None, parts, [])
    trainer.steps = 0
    return trainer


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="reports to run to")
    parser.add_argument("overrides", nargs="*")
    chosen = parser.parse_args(arguments)
    trainer, watch, plain = a_trainer(chosen.overrides), Stopwatch(), gan.accuracy
    (probe,) = trainer.probes
    probe.measure = watch.around(probe.measure)  # type: ignore[method-assign]
    gan.accuracy = watch.around(plain)
    shares, steps = [], []
    try:
        for _ in range(chosen.rounds + 1):
            watch.seconds = 0.0
            trainer.steps += trainer.log_every
            began = now()
            trainer.run()
            whole = now() - began
            shares.append(watch.seconds / (whole - watch.seconds))
            steps.append((whole - watch.seconds) / trainer.log_every)
    finally:
        gan.accuracy = plain
    print(f"{' '.join(chosen.overrides) or 'the default run'}:", end=" ")
    print(f"health takes {statistics.median(shares[1:]):.2%} of the time of the steps,", end=" ")
    print(f"{statistics.median(steps[1:]) * 1e3:.1f} ms each, over {chosen.rounds} reports")


if __name__ == "__main__":
    main()
