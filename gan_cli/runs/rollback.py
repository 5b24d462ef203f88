"""Where a run goes back to when something was not finite (`trainer.on_nan=rollback`)."""

from pathlib import Path

from gan_cli.engine.trainer import Trainer
from gan_cli.sinks.checkpoint import load_newest, saved_in


class Rollback:
    """Restores the newest checkpoint; where it led to this before, an earlier one.

    Weights can be finite and good for nothing. So a checkpoint that a run has gone back to, without
    reaching the next, is not tried again while there is an earlier one.

    Args:
        trainer: gets the state.
        folder: of the checkpoints.
    """

    def __init__(self, trainer: Trainer, folder: Path) -> None:
        self._trainer, self._folder = trainer, folder
        self._tried: Path | None = None

    def __call__(self) -> None:
        """Go back.

        Raises:
            UserError: there is no checkpoint, or none can be read.
        """
        # those that the run has not come to again are of an attempt that failed
        reached = [p for p in saved_in(self._folder) if p.stem <= f"step-{self._trainer.step:08d}"]
        if self._tried is not None and reached and reached[-1] <= self._tried:
            reached = [path for path in reached if path < self._tried] or reached
        path, saved = load_newest(self._folder.parent, reached)
        self._tried = path
        self._trainer.load_state_dict(self._trainer.ranks.spread(saved["state"]))
