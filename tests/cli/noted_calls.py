"""What tests run in processes of their own; imports nothing that takes time."""

import os
import signal
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from gan_cli.cli.process import Stopped, listening


@dataclass(frozen=True)
class Noted:
    """Writes its environment into its folder, then does what it is told to.

    Attributes:
        folder: its own.
        then: `end`, `fail`, `die`, `wait` for a signal, or `save` when it comes, and end the second
            time.
    """

    folder: Path
    then: str = "end"

    def __call__(self) -> None:
        names = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
        print(*(os.environ.get(name) for name in names), os.getcwd())
        self.folder.mkdir(exist_ok=True)
        (self.folder / "begun").write_text(str(os.getpid()))
        if self.then == "fail":
            raise ValueError("as told")
        if self.then == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        saved = self.folder / "saved"
        if self.then == "wait" or (self.then == "save" and not saved.exists()):
            try:
                with listening(_stop) if self.then == "save" else nullcontext():
                    (self.folder / "waits").touch()
                    while True:
                        time.sleep(0.05)  # Ray's signals are none that wake anybody
            except Stopped as stopped:
                saved.write_text(str(stopped))
                raise


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(signal.Signals(number).name)
