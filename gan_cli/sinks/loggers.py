"""What `logger:` names: where else a run's reports and pictures go, besides its folder."""

import abc
import dataclasses
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from gan_cli.errors import UserError
from gan_cli.files import write_whole
from gan_cli.sinks.sink import ReportSink, Run, Sink
from gan_cli.sinks.tensorboard import TensorBoard

IDS = "loggers.json"
"""In a run's folder: what each logger calls the run, so that it goes on as the same."""
WHERE = {"mode", "tracking_uri"}
"""Keys of loggers that say whether a run leaves this machine, and for where."""
KEPT = "samples"
"""The sheet of which every step's image is kept, in a folder of that name."""
SOME_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclasses.dataclass(frozen=True)
class Opening:
    """What a logger is told of a run that begins, or goes on.

    Attributes:
        folder: the run's.
        name: the run's.
        step: the present one; 0 where it begins.
        sample_every: steps between two sheets of samples; 0 for none.
        config: the resolved config, plain.
        hyperparameters: what tells this run from others, flat.
    """

    folder: Path
    name: str
    step: int
    sample_every: int
    config: Mapping[str, Any]
    hyperparameters: Mapping[str, bool | str | float | int]

    def known_id(self, logger: str) -> str | None:
        """What a logger called this run before; None where it did not know it."""
        found = self._ids().get(logger)
        return found if isinstance(found, str) and SOME_ID.fullmatch(found) else None

    def remember(self, logger: str, name: str) -> None:
        """Note what a logger calls this run.

        Raises:
            OSError: the disk is full or not writable.
        """
        ids = self._ids() | {logger: name}
        write_whole(self.folder / IDS, (json.dumps(ids, indent=2) + "\n").encode())

    def _ids(self) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / IDS).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class Logger(abc.ABC):
    """One place. Its constructor's signature is the schema of its YAML in `conf/logger/`.

    Attributes:
        at_home: arguments with which nothing leaves this machine. They are what a checkpoint's
            config gets, for whoever made it is not to say where a run is sent.
    """

    at_home: ClassVar[Mapping[str, Any]] = {}

    def require(self) -> None:  # noqa: B027
        """Called before anything is read or trained.

        Raises:
            UserError: a package is missing; says how to install it.
        """

    @abc.abstractmethod
    def open(self, opening: Opening) -> Sink | None:
        """The sink of a run; None where there is nothing to be done.

        Raises:
            UserError: the place cannot be reached, or does not take this run.
        """


class EventFiles(Logger):
    """TensorBoard's event files, which the run writes itself; see `TensorBoard`."""

    def open(self, opening: Opening) -> None:
        """Nothing more."""


class NoTensorBoard(TensorBoard):
    """Takes what `TensorBoard` takes, where nobody asked for event files."""

    def __init__(self) -> None:
        ReportSink.__init__(self)

    def write(self, run: Run) -> None:
        """Nothing."""

    def show(self, tag: str, image: Tensor, step: int) -> None:
        """Nothing."""

    def sound(self, tag: str, wave: Tensor, rate: int, step: int) -> None:
        """Nothing."""

    def play(self, tag: str, gif: bytes, size: tuple[int, int], step: int) -> None:
        """Nothing."""

    def finish(self, run: Run) -> None:
        """Nothing."""


def require_package(module: str, extra: str) -> None:
    """Raise UserError where a package of an extra is not installed."""
    if importlib.util.find_spec(module) is None:
        raise UserError(
            f"logger={extra}: needs the package {module}; pip install 'gan-cli[{extra}]', or "
            f"leave {extra} out of logger="
        )


class Follower(ReportSink):
    """Hands on each report, and each picture that other sinks have left in the run's folder.

    A place that cannot be reached costs a warning and not the run.

    Args:
        opening: of the run.
    """

    def __init__(self, opening: Opening) -> None:
        super().__init__()
        self.folder, self.every = opening.folder, opening.sample_every
        self._has_sheets = False
        self._seen = {path: path.stat().st_mtime_ns for path in self.folder.glob("*.png")}

    def due(self, run: Run, last: bool) -> bool:
        """On steps with a report, and on those with sheets of samples."""
        self._has_sheets = Sink.due(self, run, last)
        return run.report is not None or self._has_sheets

    def write(self, run: Run) -> None:
        """Hand on what is new.

        Raises:
            OSError: the place does not take it.
        """
        try:
            if run.report is not None:
                self.log_scalars(run.report, run.step)
            if self._has_sheets:
                grid = self.folder / KEPT / f"step-{run.step:08d}.png"
                for tag, path in ((KEPT, grid), *self._changed()):
                    if path.exists():
                        self.log_picture(tag, path, run.step)
        except OSError:
            raise
        except Exception as error:  # whatever another package raises
            raise OSError(_first_line(error)) from error

    def finish(self, run: Run) -> None:
        """Hand on what only the whole run has, and close.

        Raises:
            OSError: the place does not take it.
        """
        try:
            for tag, path in self._changed():
                self.log_picture(tag, path, run.step)
            if (film := self.folder / "training.gif").exists():
                self.log_film(f"{KEPT}/training", film, run.step)
            self.end(run)
        except OSError:
            raise
        except Exception as error:
            raise OSError(_first_line(error)) from error

    def _changed(self) -> Iterator[tuple[str, Path]]:
        """The pictures in the run's folder that are new since last time."""
        for path in sorted(self.folder.glob("*.png")):
            written = path.stat().st_mtime_ns
            if self._seen.get(path) != written:
                self._seen[path] = written
                yield path.stem if path.stem == "curves" else f"{KEPT}/{path.stem}", path

    @abc.abstractmethod
    def log_scalars(self, report: Mapping[str, float], step: int) -> None:
        """Hand on every scalar of a report."""

    @abc.abstractmethod
    def log_picture(self, tag: str, path: Path, step: int) -> None:
        """Hand on a PNG."""

    @abc.abstractmethod
    def log_film(self, tag: str, path: Path, step: int) -> None:
        """Hand on a GIF."""

    @abc.abstractmethod
    def end(self, run: Run) -> None:
        """Say how the run ended, and close."""


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
