"""gan-evaluate: measure how good a checkpoint's samples are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from gan_cli.cli.process import attend

if TYPE_CHECKING:
    from omegaconf import DictConfig

COMMAND = "gan-evaluate"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    attend(COMMAND, run, arguments)


def run(arguments: list[str]) -> int:
    """Take the arguments and return the exit code."""
    from gan_cli.cli.app import launch

    return launch(COMMAND, run_job, "evaluate", arguments)


def run_job(config: "DictConfig") -> None:
    """One evaluation."""
    from gan_cli.config.reader import check  # torch is imported late
    from gan_cli.evaluation.evaluate import EvaluateSettings, evaluate_checkpoint

    evaluate_checkpoint(check(config, EvaluateSettings)[0])
