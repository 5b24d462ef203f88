"""A run's folder: one run at a time writes there."""

from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from gan_cli.errors import UserError


class RunFolder:
    """Made, seen to be writable and locked while entered.

    The lock is the operating system's, so one left by a killed run is no lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / ".lock", blocking=False)

    def __enter__(self) -> Path:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            raise UserError(
                f"{self.path}: another run is writing here; give it its own hydra.run.dir"
            ) from error
        except OSError as error:
            raise UserError(
                f"{self.path}: the run cannot be written here ({error.strerror}); choose another "
                "hydra.run.dir"
            ) from error
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
