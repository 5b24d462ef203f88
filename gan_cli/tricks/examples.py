"""A batch of real and a batch of fake examples before a discriminator, and its output on them."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Role = Literal["discriminator", "generator"]
"""Whose loss: the discriminator's, or that of whoever tries to fool it."""


class Progress(NamedTuple):
    """How far the run is."""

    step: int
    """Steps made."""
    epoch: float
    """Passes over the dataset."""
    done: float
    """Part of the run that is over, in [0, 1]."""
    images: int = 0
    """Real images seen."""
    phase: Literal["whole", "main", "lazy"] = "whole"
    """Whether a turn is about all that is to be minimised, or lazy terms have one of their own."""

    def due(self, every: int) -> bool:
        """Whether what happens each so many steps happens in this one."""
        return self.step % every == 0

    def past(self, step: int) -> bool:
        """Whether so many steps are made."""
        return self.step >= step

    def value_of(self, schedule: Callable[["Progress"], float]) -> float:
        """What follows from the progress, now."""
        return schedule(self)


class DiscriminatorOutput(NamedTuple):
    """What D makes of a batch, in float32, whatever autocast made of it: losses need its range."""

    logits: Tensor
    """[N], or a map [N, ...] where D judges patches; larger is more real."""
    features: Tensor
    """What D's head reads, [N, F]."""


Discriminate = Callable[[Tensor, Tensor | None], DiscriminatorOutput]
"""Images [N, C, H, W] and labels [N] or None to D's output."""


class Examples:
    """One batch on its way through the views into D; D is asked when its output is first needed.

    That laziness lets G's turn skip D(real) unless a loss or a term reads it.

    Args:
        images: [N, C, H, W], before any view.
        label: [N], or None.
        view: what D sees of them.
        discriminate: D.
        differentiable: whether `input_gradients` will be asked for. Then they are those of the
            very logits that the loss reads: D is evaluated once.
    """

    def __init__(
        self,
        images: Tensor,
        label: Tensor | None,
        view: Callable[[Tensor], Tensor],
        discriminate: Discriminate,
        differentiable: bool = False,
    ) -> None:
        self.label = label
        self._view, self._discriminate = view, discriminate
        # bf16 is too coarse to be differentiated twice: under autocast gradients are taken apart
        shared = differentiable and not torch.is_autocast_enabled(images.device.type)
        # fakes that come with a graph, as those do that D is unrolled on, keep it
        apart = shared and not images.requires_grad
        self.images = images.detach().requires_grad_() if apart else images
        self._shared = shared
        self._seen: Tensor | None = None
        self._output: DiscriminatorOutput | None = None

    @property
    def seen(self) -> Tensor:
        """The images as D sees them, [N, C, H, W]."""
        if self._seen is None:
            self._seen = self._view(self.images)
        return self._seen

    @property
    def output(self) -> DiscriminatorOutput:
        """D's output on `seen`."""
        if self._output is None:
            self._output = self._discriminate(self.seen, self.label)
        return self._output

    def answer(self, output: DiscriminatorOutput) -> None:
        """Take what D says from whoever has asked it."""
        self._output = output

    @property
    def logits(self) -> Tensor:
        """D's logits, [N] or [N, ...]."""
        return self.output.logits

    @property
    def features(self) -> Tensor:
        """D's features, [N, F]."""
        return self.output.features

    def input_gradients(self) -> Tensor:
        """d logits_i / d image_i at the images before the views, differentiable, [N, C, H, W].

        In float32 always.
        """
        if self._shared:
            return gradients_of(self.logits, self.images)
        return input_gradients(
            lambda x, label: self._discriminate(self._view(x), label), self.images, self.label
        )


def judge_together(one: Examples, other: Examples, discriminate: Discriminate) -> None:
    """Put two batches before D as one, for a D to which that makes no difference.

    It reads its weights once, and there are half as many gradients to add up.
    """
    seen = torch.cat([one.seen, other.seen])  # [N + M, C, H, W]
    labels = [label for label in (one.label, other.label) if label is not None]
    output = discriminate(seen, torch.cat(labels) if labels else None)
    count = len(one.seen)
    one.answer(DiscriminatorOutput(*(x[:count] for x in output)))
    other.answer(DiscriminatorOutput(*(x[count:] for x in output)))


class RealFakeBatch(NamedTuple):
    """Real and fake examples before the same discriminator."""

    real: Examples
    fake: Examples
    discriminate: Discriminate
    """D itself, for terms that ask about other images (between real and fake, perturbed reals)."""
    discriminator: nn.Module
    """D's network, for terms that read a part of it (an auxiliary classifier)."""
    progress: Progress


def input_gradients(discriminate: Discriminate, x: Tensor, label: Tensor | None) -> Tensor:
    """d logits_i / d x_i, [N, C, H, W], itself differentiable, in float32 at least.

    D must not mix the samples of a batch. A map of logits counts by its sum. Where `x` comes with
    a graph, gradients flow on through it.
    """
    with torch.autocast(x.device.type, enabled=False):
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        x = x if x.requires_grad else x.detach().requires_grad_()
        return gradients_of(discriminate(x, label).logits, x)


def gradients_of(logits: Tensor, x: Tensor) -> Tensor:
    """d logits_i / d x_i of samples that do not depend on each other; differentiable."""
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient
