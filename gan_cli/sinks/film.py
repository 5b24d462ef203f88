"""training.gif: the grids of a run as a film."""

import io
import re
from pathlib import Path

from PIL import Image

from gan_cli.files import write_whole
from gan_cli.sinks.sink import FinalSink, Run
from gan_cli.sinks.tensorboard import FIRST, TensorBoard
from gan_cli.viz.film import make_film

NAME = re.compile(r"step-(\d{8,})\.png")


class Film(FinalSink):
    """Made once, when the run closes, from the files: a resumed run's film shows all of it.

    Args:
        path: the file.
        grids: the folder with `step-00001000.png`.
        step: grids after this step, left by an earlier part of a resumed run, are deleted.
        tensorboard: also gets it.
        captions: whether each grid is to be captioned with its step, which it does not say itself.
    """

    def __init__(
        self,
        path: Path,
        grids: Path,
        step: int,
        tensorboard: TensorBoard,
        captions: bool = True,
    ) -> None:
        super().__init__()
        self.path, self.grids, self.tensorboard = path, grids, tensorboard
        self.captions = captions
        for late, grid in self._find().items():
            if late > step:
                grid.unlink()

    def write(self, run: Run) -> None:
        """Make it, where there are two grids or more."""
        gif = make_film(self._find(), captions=self.captions)
        if gif is None:
            return
        with Image.open(io.BytesIO(gif)) as film:
            self.tensorboard.play(f"{FIRST}/training", gif, film.size, run.step)
        write_whole(self.path, gif)

    def _find(self) -> dict[int, Path]:
        """The grids by step."""
        named = {path: NAME.fullmatch(path.name) for path in self.grids.glob("step-*.png")}
        return {int(match[1]): path for path, match in named.items() if match}
