"""What one start of a command makes on disk, so that a refused start takes back just that.

Hydra makes a run's folder before anybody has looked at the config. Folders that were there before
are never removed, nor any folder that holds something.
"""

import os
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_cli.cli.book import BOOK, BOOK_LOCK, Book
from gan_cli.cli.console import begin_log

SWEEP_FILE = "multirun.yaml"
LOCK = ".lock"


class Start:
    """The folders one start has made, and whether anything was begun in them."""

    def __init__(self) -> None:
        self.begun = False
        self._made: list[Path] = []
        self._sweep: Path | None = None
        self._before: set[str] = set()
        self._sweep_file: bytes | None = None

    def note(self, folder: Path) -> None:
        """Note which folders on the way to this one are not there yet."""
        folder = Path(os.path.abspath(folder))
        for place in (folder, *folder.parents):
            if os.path.lexists(place):
                break
            self._made.append(place)

    def note_sweep(self, folder: Path) -> None:
        """Note what a sweep's folder holds before any of its jobs."""
        self.note(folder)
        self._sweep = Path(os.path.abspath(folder))
        if self._sweep.is_dir():
            self._before = set(os.listdir(self._sweep))
            file = self._sweep / SWEEP_FILE
            self._sweep_file = file.read_bytes() if file.is_file() else None

    @property
    def sweep(self) -> Path | None:
        """The folder of the sweep; None where none has been set up."""
        return self._sweep

    def _is_ours(self, place: Path) -> bool:
        if place in self._made:
            return True
        if self._sweep is None or self._sweep not in place.parents:
            return False
        return place.relative_to(self._sweep).parts[0] not in self._before

    def take_back(self, folder: Path) -> None:
        """Remove the folder and those above it, as far as this start made them and all is empty."""
        folder = Path(os.path.abspath(folder))
        for place in (folder, *folder.parents):
            if not self._is_ours(place):
                break
            try:
                place.rmdir()
            except OSError:
                break

    def end(self) -> None:
        """Take back a sweep of which no job began."""
        if self._sweep is None or self.begun or Book(self._sweep).begun:
            return
        file = self._sweep / SWEEP_FILE
        if self._sweep_file is not None:
            file.write_bytes(self._sweep_file)
        for name in {SWEEP_FILE, BOOK, BOOK_LOCK} - self._before:
            (self._sweep / name).unlink(missing_ok=True)
        self.take_back(self._sweep)


_current = Start()


def new_start() -> Start:
    """The start that Hydra's callbacks note folders for from here on."""
    global _current
    _current = Start()
    return _current


class NoteFolders(Callback):
    """Tells the current start where Hydra is about to make folders; see `hydra.callbacks`."""

    def on_run_start(self, config: DictConfig, **given: Any) -> None:
        """Before a run's folder is made."""
        folder = _select(config, "hydra.run.dir")
        if folder is not None:
            _current.note(folder)

    def on_multirun_start(self, config: DictConfig, **given: Any) -> None:
        """Before a sweep's folder is made."""
        folder = _select(config, "hydra.sweep.dir")
        if folder is not None:
            _current.note_sweep(folder)
            folder.mkdir(parents=True, exist_ok=True)
            OmegaConf.save(config, folder / SWEEP_FILE)  # not every sweeper writes it


def _select(config: DictConfig, key: str) -> Path | None:
    """A path of Hydra's; None where it cannot be resolved, which Hydra will say itself."""
    earlier = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)  # the path may hold ${hydra:...}
    try:
        return Path(str(OmegaConf.select(config, key)))
    except OmegaConfBaseException:
        return None
    finally:
        HydraConfig.instance().cfg = earlier


class RunStart:
    """The start of one run: its folder is as it was until the run has really begun.

    Args:
        folder: the run's, which exists.
        config: as composed.
        overrides: as typed.
        resumed: whether it goes on; then what was noted of its first start stays.
    """

    def __init__(
        self, folder: Path, config: DictConfig, overrides: list[str], resumed: bool
    ) -> None:
        self.folder = folder
        self.begun = False
        self._notes = {}
        if not resumed:
            self._notes = {
                "config.yaml": config.copy(),  # a run fills in what was left open
                "hydra.yaml": HydraConfig.instance().cfg,
                "overrides.yaml": OmegaConf.create(overrides),
            }
        self._lock_was_there = (folder / LOCK).exists()

    def begin(self) -> None:
        """Write `.hydra/` and the log; the folder is locked and nothing refuses the run now."""
        self.begun = _current.begun = True
        begin_log()
        if self._notes:
            (self.folder / ".hydra").mkdir(exist_ok=True)
        for name, content in self._notes.items():
            OmegaConf.save(content, self.folder / ".hydra" / name)

    def take_back(self) -> None:
        """Leave nothing behind of a start that was refused."""
        if not self._lock_was_there and (self.folder / LOCK).exists():
            lock = FileLock(self.folder / LOCK, blocking=False)
            try:
                with lock:  # else it is another run's by now
                    (self.folder / LOCK).unlink(missing_ok=True)
            except (Timeout, OSError):
                return
        _current.take_back(self.folder)


def advise_resuming(error: BaseException, command: str, folder: Path) -> None:
    """Add to an error how the run can be resumed, where it can."""
    import shlex

    from gan_cli.sinks.saved import saved_in

    if saved_in(folder / "checkpoints"):
        here = Path.cwd()
        shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
        error.add_note(f"resume with: {command} {shlex.quote(f'resume={shown}')}")
