"""What watching a run's health costs: the time of steps and reports with it over that without.

Two trainers of the same config take turns in one process, `trainer.log_every` steps and a report at
a time, so whatever else the machine does slows both.

    python benchmarks/health.py
    python benchmarks/health.py model=vanilla data=gaussians
    python benchmarks/health.py --rounds 20 model=dcgan data=cifar10
"""

import argparse
import statistics
import time
from collections.abc import Sequence

from hydra import compose, initialize_config_dir

from gan_cli.build import build_batches, build_parts, build_trainer, open_device
from gan_cli.config import check
from gan_cli.objectives.gan import Game
from gan_cli.paths import conf_folder
from gan_cli.probes import attach_probes
from gan_cli.trainer import Trainer


def a_trainer(overrides: Sequence[str], health: bool) -> Trainer:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        chosen = [*overrides, "name=health", f"trainer.health={str(health).lower()}"]
        config = compose("train", chosen)
    checked = check(config)
    device = open_device(checked["trainer"]["device"])
    parts = build_parts(checked)
    parts.dataset.prepare()
    trainer = build_trainer(checked, parts, build_batches(checked, parts.dataset, device), device)
    attach_probes(trainer, checked, None, parts, [])
    trainer.steps = 0
    return trainer


def plain_losses(trainer: Trainer) -> None:
    """Without D's accuracies, which the game itself notes in each of its turns."""
    assert isinstance(trainer.objective, Game)
    trainer.objective.adversary.loss.undecided = None


def seconds(trainer: Trainer) -> float:
    """How long the steps to the next report take, and that report."""
    trainer.steps += trainer.log_every
    began = time.perf_counter()
    trainer.run()
    return time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("overrides", nargs="*")
    chosen = parser.parse_args(arguments)
    watched, plain = a_trainer(chosen.overrides, True), a_trainer(chosen.overrides, False)
    plain_losses(plain)
    pairs = [(seconds(watched), seconds(plain)) for _ in range(chosen.rounds + 1)][1:]  # warm
    ratio = statistics.median(a / b for a, b in pairs)
    a, b = (statistics.median(column) / watched.log_every for column in zip(*pairs, strict=True))
    print(f"{' '.join(chosen.overrides) or 'the default run'}:", end=" ")
    print(f"{a * 1e3:.2f} ms a step with health, {b * 1e3:.2f} ms without,", end=" ")
    print(f"ratio {ratio:.3f} over {chosen.rounds} rounds of {watched.log_every} steps")


if __name__ == "__main__":
    main()
