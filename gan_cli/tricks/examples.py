"""What a loss or a trick reads of a turn: real and fake pictures and D's verdict on them."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn


class Progress(NamedTuple):
    """How far the run is."""

    step: int
    """Generator updates made."""
    epoch: float
    """Passes over the dataset."""
    done: float
    """Share of the run, in [0, 1]."""


class Verdict(NamedTuple):
    """What D says of a batch."""

    score: Tensor
    """Logits [N]; larger is more real."""
    features: Tensor
    """What D's head judges by, [N, F]."""

    @classmethod
    def of(cls, score: Tensor, features: Tensor) -> "Verdict":
        """In float32, whatever autocast made of them: losses need its range."""
        return cls(score.float(), features.float())


Judge = Callable[[Tensor, Tensor | None], Verdict]


class Judged:
    """A batch on its way past D: seen through the views and judged when first asked for.

    Laziness is what lets G's turn skip D(real) unless a loss or a term reads it.
    """

    def __init__(
        self, x: Tensor, y: Tensor | None, view: Callable[[Tensor], Tensor], judge: Judge
    ) -> None:
        self.y = y
        self._x, self._view, self._judge = x, view, judge
        self._seen: Tensor | None = None
        self._verdict: Verdict | None = None

    @property
    def pictures(self) -> Tensor:
        """The pictures as D sees them, [N, C, H, W]."""
        if self._seen is None:
            self._seen = self._view(self._x)
        return self._seen

    @property
    def verdict(self) -> Verdict:
        """D's verdict on `pictures`."""
        if self._verdict is None:
            self._verdict = self._judge(self.pictures, self.y)
        return self._verdict

    @property
    def score(self) -> Tensor:
        """Logits [N]."""
        return self.verdict.score

    @property
    def features(self) -> Tensor:
        """Features [N, F]."""
        return self.verdict.features


class Exchange(NamedTuple):
    """One batch of real and one of fake pictures before the same discriminator."""

    real: Judged
    fake: Judged
    judge: Judge
    """D itself, for terms that ask about other pictures (points in between, perturbed reals)."""
    discriminator: nn.Module
    """D's network, for terms that read a part of it (an auxiliary classifier)."""
    progress: Progress
