"""MLflow."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_cli.errors import UserError
from gan_cli.sinks.loggers import Follower, Logger, Opening, require_package
from gan_cli.sinks.sink import Run

NAME = "mlflow"


class MLflow(Logger):
    """A run in an experiment.

    Args:
        experiment: its name; made where there is none.
        tracking_uri: of a server or a store; null for what MLFLOW_TRACKING_URI says, or `mlruns` in
            the run's folder.
    """

    at_home = {"tracking_uri": None}  # noqa: RUF012

    def __init__(self, experiment: str = "gan-cli", tracking_uri: str | None = None) -> None:
        self.experiment, self.tracking_uri = experiment, tracking_uri

    def require(self) -> None:
        """Raise UserError where mlflow is not installed."""
        require_package("mlflow", NAME)

    def open(self, opening: Opening) -> "MLflowRun":
        """Begin a run, or go on with the one that was begun for this folder.

        Raises:
            UserError: the store cannot be reached, or does not take it.
        """
        from mlflow import MlflowClient
        from mlflow.entities import Param, RunStatus

        here = (opening.folder / "mlruns").absolute().as_uri()
        uri = self.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or here
        if "://" not in uri or uri.startswith("file:"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # needs no database
        try:
            client = MlflowClient(tracking_uri=uri)
            name = self._known(client, opening)
            if name is not None:
                client.update_run(name, status=RunStatus.to_string(RunStatus.RUNNING))
            else:
                found = client.get_experiment_by_name(self.experiment)
                place = found.experiment_id if found else client.create_experiment(self.experiment)
                name = client.create_run(place, run_name=opening.name).info.run_id
                values = opening.hyperparameters.items()
                client.log_batch(name, params=[Param(key, str(value)) for key, value in values])
                client.log_dict(name, dict(opening.config), "config.yaml")
        except Exception as error:  # it has a kind of its own for each
            said = str(error).strip().partition("\n")[0].rstrip(".")
            raise UserError(f"logger.mlflow: {said}; see logger.mlflow.tracking_uri") from error
        opening.remember(NAME, name)
        return MLflowRun(opening, client, name)

    def _known(self, client: Any, opening: Opening) -> str | None:
        """What this store calls our run; None where it does not know it."""
        from mlflow.exceptions import MlflowException

        name = opening.known_id(NAME)
        try:
            return None if name is None else client.get_run(name).info.run_id
        except MlflowException:  # of another store
            return None


class MLflowRun(Follower):
    """Logs into a run of MLflow.

    Args:
        opening: of our run.
        client: of the store.
        name: what the store calls the run.
    """

    def __init__(self, opening: Opening, client: Any, name: str) -> None:
        super().__init__(opening)
        self.client, self.name = client, name

    def log_scalars(self, report: Mapping[str, float], step: int) -> None:
        """As one batch of metrics."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value in report.items()]
        self.client.log_batch(self.name, metrics=metrics)

    def log_picture(self, tag: str, path: Path, step: int) -> None:
        """As an image of a step."""
        from PIL import Image

        with Image.open(path) as image:
            self.client.log_image(self.name, image.convert("RGB"), key=tag, step=step)

    def log_film(self, tag: str, path: Path, step: int) -> None:
        """As a file beside the run."""
        self.client.log_artifact(self.name, str(path))

    def end(self, run: Run) -> None:
        """Say whether the run finished, or was stopped by a signal, or failed."""
        stopped = run.outcome.startswith("SIG")
        status = "FINISHED" if run.outcome == "finished" else "KILLED" if stopped else "FAILED"
        self.client.set_tag(self.name, "ended", run.outcome)
        self.client.set_terminated(self.name, status)
