"""What cannot go together, found before the first step and said with the reason."""

import itertools
from collections.abc import Iterator, Mapping

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gan_cli.engine.ema import EMA
from gan_cli.games.losses import Loss
from gan_cli.games.unrolled import Unrolled
from gan_cli.networks.roles import Discriminator, Generator
from gan_cli.tricks.base import LabelTrick, Layer, Pool, Term, Trick, View
from gan_cli.tricks.layers import MinibatchStddev
from gan_cli.tricks.terms import AuxiliaryClassifier


def conflicts(
    generator: Generator,
    discriminator: Discriminator,
    loss: Loss,
    tricks: Mapping[str, nn.Module],
    *,
    conditional: bool,
    n_classes: int,
    image_size: int,
    batch_size: int,
) -> Iterator[tuple[str, str]]:
    """Key and reason of each combination that would fail or mean nothing."""
    if conditional and not n_classes:
        yield (
            "model.conditional",
            "this model learns classes and the data has no labels; take an unconditional model "
            "(vanilla, dcgan) or pictures sorted into a folder per class",
        )
    for side, network in (("generator", generator), ("discriminator", discriminator)):
        if network.n_classes not in (0, n_classes):
            yield (
                f"model.{side}.n_classes",
                f"{network.n_classes} classes, but data.n_classes={n_classes}",
            )
        if batch_size == 1 and _has_batch_norm(network):
            yield (
                "data.batch_size",
                f"1 picture has no batch statistics and model.{side} uses BatchNorm; take 2 or "
                f"more, or model.{side}.normalization=layer or none",
            )
    for name, trick in tricks.items():
        key = f"tricks.{name}"
        if not isinstance(trick, Trick | EMA):
            yield key, f"{type(trick).__name__} is not a trick"
        elif isinstance(trick, LabelTrick) and not loss.takes_targets:
            yield (
                key,
                f"{type(loss).__name__} has no targets to change; take NonSaturating, Minimax or "
                "LeastSquares as model.loss, or drop this trick",
            )
        elif isinstance(trick, View) and trick.needs_pixels and image_size == 1:
            yield key, "it moves and hides pixels, and a 2-D point has but one; drop it"
        elif isinstance(trick, AuxiliaryClassifier) and not generator.n_classes:
            yield key, "G is told no class; take a model that is (cgan, cgan_dcgan)"
        elif isinstance(trick, MinibatchStddev) and batch_size % trick.group_size:
            yield (
                key,
                f"group_size={trick.group_size} does not divide data.batch_size={batch_size}; "
                "choose one that does",
            )
    yield from _slope_conflicts(discriminator, tricks)
    yield from _pair_conflicts(tricks)


def _slope_conflicts(
    discriminator: Discriminator, tricks: Mapping[str, nn.Module]
) -> Iterator[tuple[str, str]]:
    """What looks at the slope of each picture's own score, in a D where pictures are mixed."""
    mixers = {
        f"tricks.{name}": f"drop it or tricks.{name}"
        for name, trick in tricks.items()
        if isinstance(trick, Layer) and trick.mixes_samples
    }
    if _has_batch_norm(discriminator):
        mixers["BatchNorm"] = "set model.discriminator.normalization=layer, instance or none"
    for name, trick in tricks.items():
        if isinstance(trick, Term) and trick.double_backward and mixers:
            yield (
                f"tricks.{name}",
                f"it looks at the slope of each picture's own score, and {' and '.join(mixers)} "
                f"in D mixes pictures; {'; '.join(mixers.values())}",
            )


def _pair_conflicts(tricks: Mapping[str, nn.Module]) -> Iterator[tuple[str, str]]:
    """Two tricks that do the same, or of which one takes from the other what it needs."""
    for (first, one), (second, other) in itertools.combinations(tricks.items(), 2):
        apart = isinstance(one, Term) and set(one.sides).isdisjoint(getattr(other, "sides", ()))
        if type(one) is type(other) and not apart:
            yield f"tricks.{second}", f"tricks.{first} does the same already; drop one of them"
        elif isinstance(one, Pool) and isinstance(other, Pool):
            yield (
                f"tricks.{second}",
                f"D's fakes can come from one pool only; drop it or tricks.{first}",
            )
    for name, trick in tricks.items():
        if not any(isinstance(other, Unrolled) for other in tricks.values()):
            continue
        if isinstance(trick, Pool):
            yield (
                f"tricks.{name}",
                "an unrolled G foresees a D that learns from present fakes, and this shows D past "
                "ones; drop it or the unrolling",
            )
        elif isinstance(trick, Term) and trick.reads_weights and "discriminator" in trick.sides:
            yield (
                f"tricks.{name}",
                "it reads D's weights as they are, and an unrolled G meets D with weights still "
                "to come; drop it or the unrolling",
            )


def _has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(module, _BatchNorm) for module in network.modules())
