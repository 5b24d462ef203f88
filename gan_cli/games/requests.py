"""What is asked of a game, and what it draws: the words between games and all who look at them."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from torch import Tensor

from gan_cli.data.fields import Batch, Kind

Option = Literal[
    "label",
    "truncation",
    "standing",
    "interpolate",
    "input",
    "direction",
    "code",
    "continuous",
    "psi",
    "crossover",
]


@dataclasses.dataclass(frozen=True)
class Request:
    """What somebody wants to see of a game. What is left out, `Game.complete` fills in.

    Attributes:
        count: N, how many.
        seed: of whatever is random; the same request draws the same.
        label: classes to draw, int64 [N].
        latents: [N, latent_dim].
        code: values of the categorical code, int64 [N], for games that have one.
        continuous: of the continuous codes, float32 [N, c], likewise.
        inputs: what is translated, by field, [N, ...] each.
        direction: which way, for games that translate both ways.
        truncation: latents beyond this many standard deviations are drawn again.
        psi: how far styles lie from their mean, for games that have styles.
        crossover: the layer from which styles are those of `others`, likewise.
        others: further latents, [N, latent_dim].
    """

    count: int
    seed: int = 0
    label: Tensor | None = None
    latents: Tensor | None = None
    code: Tensor | None = None
    continuous: Tensor | None = None
    inputs: Batch = dataclasses.field(default_factory=dict)
    direction: str | None = None
    truncation: float | None = None
    psi: float | None = None
    crossover: int | None = None
    others: Tensor | None = None

    def split(self, size: int) -> Iterator["Request"]:
        """The same in parts of at most `size`, once `Game.complete` has filled it in."""

        def rows(tensor: Tensor | None, start: int) -> Tensor | None:
            return None if tensor is None else tensor[start : start + size]

        for start in range(0, self.count, size):
            yield dataclasses.replace(
                self,
                count=min(size, self.count - start),
                label=rows(self.label, start),
                latents=rows(self.latents, start),
                others=rows(self.others, start),
                code=rows(self.code, start),
                continuous=rows(self.continuous, start),
                inputs={name: x[start : start + size] for name, x in self.inputs.items()},
            )


class LatentPart(NamedTuple):
    """Some of the numbers that a z is made of, side by side."""

    kind: Literal["normal", "uniform", "one_hot"]
    """N(0, 1), uniform in [-1, 1], or a single 1 among zeros."""
    size: int
    """How many numbers."""


class Drawing(NamedTuple):
    """What a game drew."""

    panels: dict[str, Tensor]
    """By caption, in the order to be shown: float32 in [-1, 1], [N, ...] each, on the CPU."""
    output: str
    """Which of the panels the game made and is judged by; the others stand beside it."""
    kind: Kind = "image"
    """What the panels are."""
    label: Tensor | None = None
    """Classes that were asked for, int64 [N]."""
    code: Tensor | None = None
    """Values of the categorical code that they were drawn from, int64 [N]."""
    features: Tensor | None = None
    """What an encoder sees in the inputs, float32 [N, F], on the CPU."""
    entries: Tensor | None = None
    """Which entries of a codebook they are made of, int64 [N, ...]."""
    rate: int = 0
    """Samples a second of waves."""

    @property
    def made(self) -> Tensor:
        """The output itself."""
        return self.panels[self.output]


class Sheet(NamedTuple):
    """One image that a run leaves: panels side by side, each a grid under its caption."""

    request: Request
    columns: int | None = None
    """Images a row in each panel; None for as square as can be."""
    headings: Sequence[int] = ()
    """The class that each column shows, where it shows one."""
    panels: tuple[str, ...] = ()
    """Which panels of the drawing; empty for all. Sheets of one request share its drawing."""


class Trial(NamedTuple):
    """One way in which `gan-evaluate` measures a game."""

    real: str
    """The field that the output is to be like."""
    inputs: tuple[str, ...] = ()
    """Fields that are fed to the game."""
    paired: bool = False
    """Whether each output has a right answer, that of `real` at its place (L1, PSNR, SSIM; of
    waves the L1 of mel spectrograms)."""
    cycle: str | None = None
    """The panel that should equal the input (cycle error)."""
    direction: str | None = None
    encodes: bool = False
    """Whether the drawing has `features`, whose nearest neighbours should be of one class."""
    baseline: str | None = None
    """The panel of what needs no learning, measured as the output is, where outputs are paired."""
    codebook: int = 0
    """How many entries the codebook has that outputs are made of; 0: there is none."""


LookUp = Callable[[int, Tensor | None], Batch]
"""So many real samples, always the same, of these classes int64 [N] or of any."""
