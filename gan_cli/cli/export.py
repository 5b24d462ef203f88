"""gan-export: write what draws, for other programs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from gan_cli.cli.process import attend

if TYPE_CHECKING:
    from omegaconf import DictConfig

COMMAND = "gan-export"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    attend(COMMAND, run, arguments)


def run(arguments: list[str]) -> int:
    """Take the arguments and return the exit code."""
    from gan_cli.cli.app import launch

    return launch(COMMAND, run_job, "export", arguments)


def run_job(config: "DictConfig") -> None:
    """One export."""
    from gan_cli.config.reader import check  # torch is imported late
    from gan_cli.exports.write import ExportSettings, write_export

    write_export(check(config, ExportSettings)[0])
