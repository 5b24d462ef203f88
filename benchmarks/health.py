"""What watching a run's health costs: the share of a run's time that goes into it.

Measured in one run, from report to report: the looks at both players, and D's accuracies in each of
its turns. Whatever else the machine does slows these and the training alike.

    python benchmarks/health.py
    python benchmarks/health.py model=vanilla data=gaussians
    python benchmarks/health.py --rounds 20 model=dcgan data=cifar10
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from benchmarks import common
from gan_cli.engine.duration import Duration
from gan_cli.engine.trainer import Trainer
from gan_cli.evaluation.real_data import RealData
from gan_cli.games import adversary
from gan_cli.health.probe import HealthProbe
from gan_cli.runs.probes import open_health


class Cost(NamedTuple):
    """Medians over reports, but the first."""

    share: float
    """Time that goes into health over the time of the steps without it."""
    step: float
    """Seconds of a step without it."""


class Stopwatch:
    """Adds up the time that calls take, the device's work included."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            began = common.now()
            result = call(*arguments, **options)
            self.seconds += common.now() - began
            return result

        return timed


def watched_trainer(overrides: Sequence[str]) -> tuple[Trainer, HealthProbe]:
    """A run that nothing but its health probe looks at."""
    settings, dataset, device = common.open_settings(overrides)
    trainer = common.open_trainer(settings, dataset, device)
    probe = open_health(trainer, settings, RealData(dataset, settings.data.memory_limit), [])
    assert probe is not None
    trainer.probes = [probe]
    return trainer, probe


def measure(trainer: Trainer, probe: HealthProbe, rounds: int) -> Cost:
    """Train to so many reports, and one more before them, in which all is allocated."""
    watch, plain = Stopwatch(), adversary.accuracy
    probe.measure = watch.around(probe.measure)  # type: ignore[method-assign]
    adversary.accuracy = watch.around(plain)
    shares, steps = [], []
    try:
        for _ in range(rounds + 1):
            watch.seconds = 0.0
            trainer.duration = Duration(steps=trainer.step + trainer.log_every)
            began = common.now()
            trainer.run()
            rest = common.now() - began - watch.seconds
            shares.append(watch.seconds / rest)
            steps.append(rest / trainer.log_every)
    finally:
        adversary.accuracy = plain
    return Cost(statistics.median(shares[1:]), statistics.median(steps[1:]))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="reports to run to")
    parser.add_argument("overrides", nargs="*")
    chosen = parser.parse_intermixed_args(arguments)
    cost = measure(*watched_trainer(chosen.overrides), chosen.rounds)
    print(f"{' '.join(chosen.overrides) or 'the default run'}:", end=" ")
    print(f"health takes {cost.share:.2%} of the time of the steps,", end=" ")
    print(f"{cost.step * 1e3:.1f} ms each, over {chosen.rounds} reports")


if __name__ == "__main__":
    main()
