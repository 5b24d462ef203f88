"""What cannot go together, found before the first step and said with the reason."""

from collections.abc import Iterator, Mapping

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gan_cli.ema import EMA
from gan_cli.losses import Loss
from gan_cli.tricks.places import LabelTrick, Pool, Term, Trick


def conflicts(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: Loss,
    tricks: Mapping[str, nn.Module],
    *,
    conditional: bool,
    n_classes: int,
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
        yield from _trick_conflicts(f"tricks.{name}", trick, discriminator, loss)
    pools = [name for name, trick in tricks.items() if isinstance(trick, Pool)]
    if len(pools) > 1:
        yield f"tricks.{pools[1]}", f"D's fakes can come from one pool only; drop it or {pools[0]}"


def _trick_conflicts(
    key: str, trick: nn.Module, discriminator: nn.Module, loss: Loss
) -> Iterator[tuple[str, str]]:
    if not isinstance(trick, Trick | EMA):
        yield key, f"{type(trick).__name__} is not a trick"
    elif isinstance(trick, LabelTrick) and not loss.takes_targets:
        yield (
            key,
            f"{type(loss).__name__} has no targets to change; take NonSaturating, Minimax or "
            "LeastSquares as model.loss, or drop this trick",
        )
    elif isinstance(trick, Term) and trick.double_backward and _has_batch_norm(discriminator):
        yield (
            key,
            "it looks at the slope of each picture's own score, and BatchNorm in D mixes pictures; "
            "set model.discriminator.normalization=layer, instance or none",
        )


def _has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(module, _BatchNorm) for module in network.modules())
