"""gan-train: train a GAN, or go on with one."""

import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from gan_cli.cli.app import BAD_INPUT, Stopped, launch
from gan_cli.errors import UserError

log = logging.getLogger(__name__)

COMMAND = "gan-train"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    arguments = [a.lstrip("+") if a.lstrip("+").startswith("resume=") else a for a in arguments]
    targets = [a.partition("=")[2].strip("'\"") for a in arguments if a.startswith("resume=")]
    if targets and targets[-1] not in ("", "null"):
        sys.exit(go_on(Path(targets[-1]).expanduser(), arguments))
    sys.exit(launch(COMMAND, train, "train", arguments))


def train(config: DictConfig, saved: Mapping[str, Any] | None = None) -> float | None:
    """One job; returns the scalar that `trainer.returns` names."""
    from gan_cli.runs import train as run  # torch is imported only once the config has composed

    hydra = HydraConfig.get()
    overrides = [o for o in hydra.overrides.task if not o.startswith("resume=")]
    folder = Path(hydra.runtime.output_dir)
    try:
        trainer = run.train(config, folder, saved, overrides)
    except UserError:
        if [path.name for path in folder.iterdir()] == [".hydra"]:
            shutil.rmtree(folder)  # nothing was begun, so nothing is left lying about
        raise
    if trainer.interrupts.stop is not None:
        raise Stopped(trainer.interrupts.stop.name)
    if config.trainer.returns not in trainer.last_report:
        known = ", ".join(sorted(trainer.last_report))
        log.warning(
            "trainer.returns=%s: no such scalar; there is %s", config.trainer.returns, known
        )
    return trainer.last_report.get(config.trainer.returns)


def go_on(target: Path, arguments: Sequence[str]) -> int:
    """Train on from a checkpoint: its config is the primary config, overrides go on top."""
    from gan_cli.runs import resume

    if {"-m", "--multirun"} & set(arguments):
        print(f"{COMMAND}: resume= goes on with one run; leave out -m", file=sys.stderr)
        return BAD_INPUT
    try:
        with tempfile.TemporaryDirectory() as folder:
            saved = resume.write_config(target, Path(folder) / "resumed.yaml")
            return launch(
                COMMAND, lambda config: train(config, saved), "resumed", arguments, Path(folder)
            )
    except UserError as error:
        for problem in error.problems:
            print(f"{COMMAND}: {problem}", file=sys.stderr)
        return BAD_INPUT
