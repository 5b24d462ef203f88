"""Weights & Biases."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from gan_cli.errors import UserError
from gan_cli.sinks.loggers import Follower, Logger, Opening, require_package
from gan_cli.sinks.sink import Run

NAME = "wandb"


class WeightsAndBiases(Logger):
    """A run in a project.

    Args:
        project: its name.
        entity: a user or a team; null for the account that is logged in.
        mode: null for what WANDB_MODE says, or online.
        tags: words to find the run by.
    """

    at_home = {"mode": "offline"}  # noqa: RUF012

    def __init__(
        self,
        project: str = "gan-cli",
        entity: str | None = None,
        mode: Literal["online", "offline"] | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        self.project, self.entity, self.mode, self.tags = project, entity, mode, list(tags)

    def require(self) -> None:
        """Raise UserError where wandb is not installed."""
        require_package("wandb", NAME)

    def open(self, opening: Opening) -> "WandbRun":
        """Begin a run, or go on with the one that was begun for this folder.

        Raises:
            UserError: nobody is logged in, or the place cannot be reached.
        """
        import wandb

        known = opening.known_id(NAME)
        name = known or secrets.token_hex(4)
        settings = wandb.Settings(console="off")  # the log is in the run's folder
        try:
            run = wandb.init(
                project=self.project,
                entity=self.entity,
                mode=self.mode,
                tags=self.tags,
                id=name,
                name=opening.name,
                dir=str(opening.folder),
                config=dict(opening.config),
                resume="allow" if known and self.mode != "offline" else None,
                settings=settings,
            )
        except Exception as error:  # it has a kind of its own for each
            said = str(error).strip().partition("\n")[0].rstrip(".")
            raise UserError(
                f"logger.wandb: {said}; see that `wandb login` works, or set "
                "logger.wandb.mode=offline"
            ) from error
        opening.remember(NAME, name)
        return WandbRun(opening, run)


class WandbRun(Follower):
    """Logs into a run of W&B.

    The step is a value like others: a resumed run may go over steps again that were logged before
    it stopped, which the counter of W&B does not take.

    Args:
        opening: of our run.
        run: of W&B.
    """

    def __init__(self, opening: Opening, run: Any) -> None:
        super().__init__(opening)
        self.run = run
        self.run.define_metric("*", step_metric="step")

    def log_scalars(self, report: Mapping[str, float], step: int) -> None:
        """As one row."""
        self.run.log({**report, "step": step})

    def log_picture(self, tag: str, path: Path, step: int) -> None:
        """As an image."""
        import wandb

        self.run.log({tag: wandb.Image(str(path)), "step": step})

    def log_film(self, tag: str, path: Path, step: int) -> None:
        """As a video."""
        import wandb

        self.run.log({tag: wandb.Video(str(path), format="gif"), "step": step})

    def end(self, run: Run) -> None:
        """Say whether the run finished, or was stopped by a signal, or failed."""
        stopped = run.outcome == "finished" or run.outcome.startswith("SIG")
        self.run.summary["ended"] = run.outcome
        self.run.finish(exit_code=0 if stopped else 1)
