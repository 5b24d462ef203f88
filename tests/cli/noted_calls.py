"""What tests run in processes of their own; imports nothing that takes time."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from gan_cli.cli.process import Stopped


@dataclass(frozen=True)
class Noted:
    """Writes its environment into its folder, then does what it is told to.

    Attributes:
        folder: its own.
        then: `end`, `fail`, `die`, or `wait` for a signal.
    """

    folder: Path
    then: str = "end"

    def __call__(self) -> None:
        names = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
        print(*(os.environ.get(name) for name in names), os.getcwd())
        (self.folder / "begun").touch()
        if self.then == "fail":
            raise ValueError("as told")
        if self.then == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.then == "wait":
            try:
                time.sleep(120)
            except Stopped as stopped:
                (self.folder / "saved").write_text(str(stopped))
                raise
