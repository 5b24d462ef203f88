"""gan-sample: draw samples from a checkpoint."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from gan_cli.cli.process import attend

if TYPE_CHECKING:
    from omegaconf import DictConfig

COMMAND = "gan-sample"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    attend(COMMAND, run, arguments)


def run(arguments: list[str]) -> int:
    """Take the arguments and return the exit code."""
    from gan_cli.cli.app import launch

    return launch(COMMAND, run_job, "sample", arguments)


def run_job(config: "DictConfig") -> None:
    """One drawing."""
    from gan_cli.config.reader import check  # torch is imported late
    from gan_cli.inference.sample import SampleSettings, write_samples

    write_samples(check(config, SampleSettings)[0])
