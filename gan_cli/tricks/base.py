"""The places a trick can stand in: it lives where it touches the data.

A trick is a module, so what it remembers is a buffer and lies in the checkpoint. Its base class
says where `build` puts it.
"""

import abc
import copy
from collections.abc import Sequence
from typing import Literal, Self, get_args

from torch import Tensor, nn

from gan_cli.networks.roles import Discriminator
from gan_cli.ranges import Count, NonNegative
from gan_cli.tricks.examples import Exchange, Progress

Side = Literal["discriminator", "generator"]
Stage = Literal["features", "heads", "layers"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""In this order layers change D: new features, heads that read them, what every layer gets."""


class Trick(nn.Module, abc.ABC):
    """Anything that can stand under `tricks:` in a config."""


class LabelTrick(Trick):
    """Loss argument: changes the targets D learns from."""

    @abc.abstractmethod
    def forward(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """New targets for real and fake pictures, [N] each, from the present ones."""


class View(Trick):
    """Changes every picture D sees, real or fake, in both players' turns."""

    needs_pixels = False
    """Whether it moves or hides pixels, of which a 2-D point has but one."""

    @abc.abstractmethod
    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        """The pictures [N, C, H, W] as D sees them; differentiable."""


class Pool(Trick):
    """Changes only the fakes of D's turn."""

    @abc.abstractmethod
    def attach(self, shape: tuple[int, ...]) -> None:
        """Make room for pictures of `shape` = (C, H, W)."""

    @abc.abstractmethod
    def forward(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The fakes D is to judge, [N, C, H, W], and their labels [N]."""


class Term(Trick):
    """Adds `weight` times its value to a player's loss.

    With `every: k` it is computed each k-th step only and weighs k times as much, so that its
    mean pull stays the same (lazy regularisation, Karras et al. 2020, appendix B).
    """

    sides: Sequence[Side]
    """Whose loss it joins."""
    side: Side
    """Whose loss this copy has joined; see `on`."""
    double_backward = False
    """Whether it differentiates D's score with respect to single pictures."""
    reads_weights = False
    """Whether it looks at a network's weights, not only at verdicts."""

    def __init__(self, weight: NonNegative, every: Count = 1) -> None:
        super().__init__()
        self.weight = weight
        self.every = every

    def on(self, side: Side, network: nn.Module) -> Self:
        """A copy for one player, whose network it meets, with a memory of its own."""
        term = copy.deepcopy(self)
        term.side = side
        term.attach(network)
        return term

    def attach(self, network: nn.Module) -> None:
        """Meet the network of the player whose loss this is, before the first step."""

    @abc.abstractmethod
    def forward(self, exchange: Exchange, network: nn.Module) -> Tensor:
        """The term, a scalar, before its weight; `network` is the player's own."""


class Layer(Trick):
    """Changes what D is made of, once, before training."""

    stage: Stage
    mixes_samples = False
    """Whether a picture's score comes to depend on the others in its batch."""

    @abc.abstractmethod
    def apply_to(self, network: Discriminator) -> None:
        """Change `network` in place."""


class StepHook(Trick):
    """Acts on a player's network around its optimizer's step."""

    sides: Sequence[Side] = ("discriminator", "generator")
    """Around whose steps."""

    def before_step(self, network: nn.Module) -> None:
        """Change gradients."""

    def after_step(self, network: nn.Module) -> None:
        """Change weights."""
