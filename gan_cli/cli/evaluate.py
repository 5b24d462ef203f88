"""gan-evaluate: measure how good a checkpoint's samples are."""

import sys
from collections.abc import Sequence

from omegaconf import DictConfig

from gan_cli.cli.app import launch


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(launch("gan-evaluate", evaluate, "evaluate", arguments))


def evaluate(config: DictConfig) -> None:
    """One evaluation."""
    from gan_cli.evaluation import evaluate as evaluation  # torch is imported late

    evaluation.evaluate(config)
