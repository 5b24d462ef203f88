"""A run's folder: one run at a time writes there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gan_cli.errors import UserError


@contextmanager
def run_folder(path: Path) -> Iterator[Path]:
    """The folder: made, seen to be writable, and locked until the run is over.

    The lock is the operating system's, so one left by a killed run is no lock.

    Raises:
        UserError: another run writes there, or nobody can.
    """
    lock = FileLock(path / ".lock", blocking=False)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        str(path.absolute()).encode()  # TensorBoard wants it
    except UnicodeEncodeError as error:
        lock.release()
        raise UserError(f"{path}: its name is not UTF-8; choose another hydra.run.dir") from error
    except Timeout as error:
        raise UserError(
            f"{path}: another run is writing here; give it its own hydra.run.dir"
        ) from error
    except OSError as error:
        raise UserError(
            f"{path}: the run cannot be written here ({error.strerror}); choose another "
            "hydra.run.dir"
        ) from error
    try:
        yield path
    finally:
        lock.release()
