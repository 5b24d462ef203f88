"""gan-sample: draw pictures from a checkpoint."""

import sys
from collections.abc import Sequence

from omegaconf import DictConfig

from gan_cli.cli.app import launch


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(launch("gan-sample", sample, "sample", arguments))


def sample(config: DictConfig) -> None:
    """One drawing."""
    from gan_cli.inference import (
        sample as drawing,  # torch is imported only once the config has composed
    )

    drawing.draw(config)
