"""The places a trick can stand in: it lives where it touches the data.

A trick is a module, so what it remembers is a buffer and lies in the checkpoint. Its base class
says where `assembly` puts it: with the adversaries or the players that `on` names, or with every
one that it fits.
"""

import abc
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, get_args

from torch import Tensor, nn

from gan_cli.data.fields import Batch
from gan_cli.networks.roles import Discriminator
from gan_cli.ranges import Count, NonNegative
from gan_cli.tricks.examples import Progress, RealFakeBatch, Role
from gan_cli.tricks.schedules import Schedule, now

Stage = Literal["features", "heads", "layers"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""In this order layers change D: new features, heads that read them, what every layer gets."""


class Trick(nn.Module, abc.ABC):
    """Anything that can stand under `tricks:` in a config."""

    place: ClassVar[Literal["adversary", "player"]] = "adversary"
    """What it joins, and what its `on` names."""


class TargetTrick(Trick):
    """Changes the targets D learns from."""

    @abc.abstractmethod
    def forward(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """New targets for real and fake logits, of their shapes, from the present ones."""


class View(Trick):
    """Changes every image D sees, real or fake, in both players' turns."""

    needs_pixels = False
    """Whether it moves or hides pixels, of which a 2-D point has but one."""

    @abc.abstractmethod
    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        """The images [N, C, H, W] as D sees them; differentiable."""

    def observe(self, real: Tensor) -> None:
        """Called after D's turn, for views that follow its scores.

        Args:
            real: D's logits of real images, [N] or [N, ...], detached; zero is a D that cannot
                tell.
        """

    def on_step(self, progress: Progress) -> None:
        """Called after each step: what adapts does so here, in buffers."""

    def watch(self) -> dict[str, Tensor]:
        """Detached scalars worth a curve."""
        return {}


class Pool(Trick):
    """Changes only the fakes of D's turn."""

    @abc.abstractmethod
    def attach(self, shape: tuple[int, ...]) -> None:
        """Make room for images of `shape` = (C, H, W)."""

    @abc.abstractmethod
    def forward(self, x: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The fakes D is to judge, [N, C, H, W], and their labels [N]."""


class Lazy(Trick):
    """Adds `weight` times a scalar to a loss; a weight may follow a schedule.

    With `every: k` it is computed each k-th step only and weighs k times as much, so that its
    mean pull stays the same (lazy regularisation, Karras et al. 2020, appendix B).
    """

    def __init__(self, weight: NonNegative | Schedule, every: Count = 1) -> None:
        super().__init__()
        self.weight = weight
        self.every = every

    def due(self, progress: Progress) -> bool:
        """Whether it is computed in this turn."""
        if progress.phase != "whole" and (progress.phase == "lazy") != (self.every > 1):
            return False
        return progress.due(self.every) and now(self.weight, progress) > 0

    def weigh(self, value: Tensor, progress: Progress) -> Tensor:
        """What a term of this `value` adds to the loss."""
        return now(self.weight, progress) * self.every * value


class Term(Lazy):
    """Adds to a loss what it reads of real and fake batch."""

    roles: ClassVar[Sequence[Role]] = ("discriminator",)
    """Whose loss it joins."""
    at: ClassVar[Sequence[Literal["real", "fake"]]] = ()
    """Whose `input_gradients` it reads, which D's one evaluation then provides for."""
    double_backward: ClassVar[bool] = False
    """Whether it differentiates D's logits with respect to single images."""
    reads_network: ClassVar[bool] = False
    """Whether it looks into D's network, not only at its output."""
    reads_batch: ClassVar[bool] = False
    """Whether it is no mean over samples, so that a batch in parts gives another value."""

    @abc.abstractmethod
    def forward(self, batch: RealFakeBatch, role: Role) -> Tensor:
        """The term, a scalar, before its weight."""


class WeightTerm(Lazy):
    """Adds to a player's loss what it reads of that player's own weights."""

    place = "player"

    @abc.abstractmethod
    def attach(self, parameters: Sequence[Tensor]) -> None:
        """Meet the weights, before the first step."""

    @abc.abstractmethod
    def forward(self, parameters: Sequence[Tensor]) -> Tensor:
        """The term, a scalar, before its weight."""


class NetworkTerm(Lazy):
    """Adds to a player's loss what it finds out about one of that player's own networks."""

    place = "player"
    of: ClassVar[type[nn.Module]]
    """Which networks it is about; it fits players that train one."""

    @abc.abstractmethod
    def forward(self, network: Any, batch: Batch) -> Tensor:
        """The term, a scalar, before its weight.

        Args:
            network: one of those.
            batch: the turn's real samples.
        """


class Layer(Trick):
    """Changes what D is made of, once, before training."""

    stage: ClassVar[Stage]
    mixes_samples: ClassVar[bool] = False
    """Whether an image's logit comes to depend on the others in its batch."""

    @abc.abstractmethod
    def apply_to(self, network: Discriminator) -> None:
        """Change `network` in place."""


class StepHook(Trick):
    """Acts on a player's parameters around its optimizer's step."""

    place: ClassVar[Literal["adversary", "player"]] = "player"
    """`adversary`: it acts on D's network alone, around the step of whoever trains it."""

    def before_step(self, parameters: Sequence[nn.Parameter]) -> None:
        """Change gradients."""

    def after_step(self, parameters: Sequence[nn.Parameter]) -> None:
        """Change weights."""
