"""What a game draws in the course of a run, as files and in TensorBoard."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from torch import Tensor

from gan_cli.games.requests import Drawing, Request, Sheet
from gan_cli.sinks.sink import Run, Sink
from gan_cli.sinks.tensorboard import FIRST, TensorBoard
from gan_cli.viz import images
from gan_cli.viz.plane import scatter
from gan_cli.viz.spectrogram import spectrograms

KEPT = "samples"
"""The sheet of which every step's image is kept."""
HEARD = 4
"""Clips of a sheet that TensorBoard plays."""

Surface = Callable[[Tensor, Tensor], Tensor | None]
"""Real and fake points [N, 2, 1, 1] to how real D takes the cells of the plane to be; see
`decision_surface`."""

Remark = Callable[[Tensor], str]
"""Fake points [N, 2, 1, 1] to what is worth saying of them in a few words."""


class Samples(Sink):
    """The sheets of a game, drawn from the same requests again and again.

    The sheet `samples` is kept for every step, as `samples/step-00001000.png`; of each other the
    newest is, as `<name>.png`.

    Args:
        every: steps between two.
        folder: the run's.
        sheets: by name.
        class_names: for headings.
        tensorboard: also gets each.
        surface: for 2-D data, what D makes of the plane.
        remark: likewise, what is said of the fakes.
    """

    def __init__(
        self,
        every: int,
        folder: Path,
        sheets: Mapping[str, Sheet],
        class_names: Sequence[str],
        tensorboard: TensorBoard,
        surface: Surface | None = None,
        remark: Remark | None = None,
    ) -> None:
        super().__init__(every)
        self.folder, self.class_names = folder, class_names
        self.tensorboard, self.surface, self.remark = tensorboard, surface, remark
        grouped: dict[int, tuple[Request, dict[str, Sheet]]] = {}
        for name, sheet in sheets.items():
            grouped.setdefault(id(sheet.request), (sheet.request, {}))[1][name] = sheet
        self._grouped = list(grouped.values())
        self._given: set[str] = set()

    def begin(self, run: Run) -> None:
        """Show what is drawn before anything is learned."""
        if run.step == 0:
            self.write(run)

    def write(self, run: Run) -> None:
        """Draw each request once, then show and save every sheet of it, also where others fail.

        Raises:
            OSError: some could not be saved; says which.
        """
        problems = []
        for request, sheets in self._grouped:
            drawing = run.draw(request)
            for name, sheet in sheets.items():
                said = [f"step {run.step:,}", *([self.remark(drawing.made)] if self.remark else [])]
                caption = ", ".join(said)
                image = lay_out(drawing, sheet, self.class_names, self.surface, caption)
                kept = name == KEPT
                self.tensorboard.show(FIRST if kept else f"{FIRST}/{name}", image, run.step)
                if drawing.kind == "wave":
                    self._play(f"{FIRST}/{name}", drawing, run.step)
                path = self.folder / (f"{KEPT}/step-{run.step:08d}.png" if kept else f"{name}.png")
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    images.save_png(image, path)
                except OSError as error:
                    problems.append(error)
        if problems:
            raise OSError("; ".join(map(str, problems)))

    def _play(self, tag: str, drawing: Drawing, step: int) -> None:
        """Sound for TensorBoard: what was made each time, what stands beside it once."""
        for name, waves in drawing.panels.items():
            if name == drawing.output or f"{tag}/{name}" not in self._given:
                self._given.add(f"{tag}/{name}")
                for number, wave in enumerate(waves[:HEARD]):
                    self.tensorboard.sound(f"{tag}/{number}/{name}", wave, drawing.rate, step)


def lay_out(
    drawing: Drawing,
    sheet: Sheet,
    class_names: Sequence[str] = (),
    surface: Surface | None = None,
    caption: str = "",
) -> Tensor:
    """One sheet of a drawing as an image, uint8 [3, H, W].

    Images come as grids side by side, sound as its spectrograms, 2-D points as a scatter plot of
    the output over what is real.

    Args:
        drawing: of the sheet's request.
        sheet: which panels are shown, in how many columns, of which classes.
        class_names: by number; a class without a name goes by its number.
        surface: for points, what D makes of the plane.
        caption: of the scatter plot.
    """
    names = sheet.panels or tuple(drawing.panels)
    panels = {name: drawing.panels[name] for name in names}
    if drawing.kind == "point":
        real = panels.get("real")
        shading = None if surface is None or real is None else surface(real, drawing.made)
        return scatter(drawing.made, real, shading, caption)
    if drawing.kind == "wave":
        panels = {name: spectrograms(waves, drawing.rate) for name, waves in panels.items()}
    known = dict(enumerate(class_names))
    headings = [known.get(number, str(number)) for number in sheet.headings]
    return images.sheet(panels, sheet.columns, headings)
