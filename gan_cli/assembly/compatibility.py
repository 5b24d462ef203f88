"""What cannot go together, found before the first step and said with the reason."""

import inspect
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gan_cli.config.components import Component
from gan_cli.config.schema import Settings
from gan_cli.data.fields import Fields
from gan_cli.errors import UserError
from gan_cli.games.base import Game
from gan_cli.networks.autoencoder import Autoencoder
from gan_cli.networks.minibatch import largest_group
from gan_cli.spelling import nearest
from gan_cli.tricks.adaptive import AdaptiveView
from gan_cli.tricks.base import Layer, NetworkTerm, Pool, TargetTrick, Term, Trick, View
from gan_cli.tricks.layers import MinibatchStddev
from gan_cli.tricks.terms import AuxiliaryClassifier

Conflicts = Iterator[tuple[str, str]]
"""Key and reason of each combination that would fail or mean nothing."""


class Placed(NamedTuple):
    """A trick and where it stands."""

    name: str
    trick: Trick
    places: Sequence[str]
    """Adversaries or players, by name."""


def refuse_unfit_data(game: type[Game], fields: Fields) -> None:
    """Compare what a game needs with what the data has; nothing is read yet.

    Raises:
        UserError: a field is missing or of another kind; names both.
    """
    for name, kinds in game.needs.items():
        wanted = f"{game.__name__} needs a field `{name}` ({' or '.join(kinds)})"
        if name not in fields:
            has = ", ".join(f"`{n}` ({field})" for n, field in fields.items())
            raise UserError(
                f"data: {wanted}, and this data has {has}; take other data or a model "
                "that fits (see the README's tables)"
            )
        if fields[name].kind not in kinds:
            raise UserError(f"data: {wanted}, and that of this data is a {fields[name]}")


def fitting(game: Game, trick: Trick, on: Sequence[str] | None, name: str) -> list[str]:
    """The adversaries or players that a trick is for: those named, or every one it fits.

    Raises:
        UserError: a name that the game does not have.
    """
    there = list(game.players if trick.place == "player" else game.adversaries)
    for wanted in on or ():
        if wanted not in there:
            raise UserError(f"tricks.{name}.on: no {trick.place} {wanted}{nearest(wanted, there)}")
    if on is not None:
        return list(on)
    if isinstance(trick, NetworkTerm):
        return [place for place in there if _trains(game, place, trick.of)]
    if isinstance(trick, TargetTrick):
        return [place for place in there if game.adversary(place).loss.takes_targets] or there
    return there


def conflicts(settings: Settings, game: Game, placed: Sequence[Placed]) -> Conflicts:
    """Everything that would fail or mean nothing, for a game before its tricks are applied."""
    yield from _label_conflicts(settings, game)
    for entry in placed:
        if isinstance(entry.trick, NetworkTerm) and not (
            entry.places and all(_trains(game, place, entry.trick.of) for place in entry.places)
        ):
            yield (
                f"tricks.{entry.name}",
                f"it is about a {entry.trick.of.__name__}, and no such network is trained here; "
                "drop it, or take a model that has one (stylegan2)",
            )
        for place in entry.places:
            yield from _single_conflicts(settings, game, entry, place)
    for place in game.adversaries:
        here = [entry for entry in placed if place in entry.places]
        yield from _gradient_conflicts(game.adversary(place).network, here)
    yield from _pair_conflicts(game, placed)


def _label_conflicts(settings: Settings, game: Game) -> Conflicts:
    n_classes = settings.data.n_classes or 0
    told = [key for key, source in settings.links.items() if source == "data.n_classes"]
    if not n_classes and any(key.startswith("model.") for key in told):
        yield (
            "model",
            "it learns classes and the data has no labels; take an unconditional model (vanilla, "
            "dcgan) or images sorted into a folder per class",
        )
    for key, value in settings.model.arguments.items():
        network = getattr(value, "arguments", {})
        if network.get("n_classes", 0) not in (0, n_classes):
            yield (
                f"model.{key}.n_classes",
                f"{network['n_classes']} classes, but data.n_classes={n_classes}",
            )
    networks = {m for spec in game.players.values() for m in spec.modules}
    if settings.data.batch_size == 1 and any(map(_has_batch_norm, networks)):
        which = [
            f"model.{key}.normalization"
            for key, value in settings.model.arguments.items()
            if isinstance(value, Component) and _argument(value, "normalization") == "batch"
        ]
        instead = f"{' and '.join(which) or 'its normalization'}=instance, layer or none"
        yield (
            "data.batch_size",
            "1 image has no batch statistics and a network here uses BatchNorm; take 2 or more, or "
            + instead,
        )


def _single_conflicts(settings: Settings, game: Game, entry: Placed, place: str) -> Conflicts:
    trick, key = entry.trick, f"tricks.{entry.name}"
    batch_size = settings.data.batch_size
    loss = game.adversary(place).loss if trick.place == "adversary" else None
    if isinstance(trick, TargetTrick) and loss and not loss.takes_targets:
        yield (
            key,
            f"{type(loss).__name__} has no targets to change; take loss=non_saturating, minimax or "
            "least_squares, or drop this trick",
        )
    if (
        isinstance(trick, AdaptiveView)
        and trick.target is not None
        and isinstance(game.adversary(place).network, Autoencoder)
    ):
        yield (
            key,
            "its strength follows the sign of D's scores, and an autoencoder's are all below 0; "
            f"set {key}.target=null and {key}.p, or drop it",
        )
    if isinstance(trick, View) and trick.needs_pixels:
        kinds = {field.kind for field in game.fields.values()}
        if "point" in kinds:
            yield key, "it moves and hides pixels, and a 2-D point has but one; drop it"
        if "wave" in kinds:
            yield key, "it moves and hides pixels, and sound has none; drop it"
    elif isinstance(trick, AuxiliaryClassifier) and not settings.data.n_classes:
        yield key, "it learns classes and the data has no labels; drop it"
    elif isinstance(trick, AuxiliaryClassifier) and not game.n_classes:
        yield key, "G is told no class; drop it, or take a model that is (cgan, cgan_dcgan)"
    elif isinstance(trick, MinibatchStddev) and largest_group(batch_size, trick.group_size) == 1:
        yield (
            key,
            f"data.batch_size={batch_size} cannot be parted into groups of 2 to "
            f"{trick.group_size} (group_size); choose one that can, or drop this trick",
        )


def _argument(component: Component, name: str) -> Any:
    """What a class is given, or takes without being told."""
    default = inspect.signature(component.cls).parameters.get(name)
    return component.arguments.get(name, default and default.default)


def _gradient_conflicts(network: nn.Module, here: Sequence[Placed]) -> Conflicts:
    """What takes the gradient at each image's own logits, in a D where images are mixed."""
    mixers = {
        f"tricks.{entry.name}": f"drop it or tricks.{entry.name}"
        for entry in here
        if isinstance(entry.trick, Layer) and entry.trick.mixes_samples
    }
    if _has_batch_norm(network):
        mixers["BatchNorm"] = "set model.discriminator.normalization=layer, instance or none"
    for entry in here:
        if isinstance(entry.trick, Term) and entry.trick.double_backward and mixers:
            yield (
                f"tricks.{entry.name}",
                f"it takes the gradient at each image's own logits, and {' and '.join(mixers)} in "
                f"D mixes images; {'; '.join(mixers.values())}",
            )


def _pair_conflicts(game: Game, placed: Sequence[Placed]) -> Conflicts:
    """Two tricks that do the same, or of which one takes from the other what it needs."""
    for one, other in itertools.combinations(placed, 2):
        if set(one.places).isdisjoint(other.places):
            continue
        if type(one.trick) is type(other.trick):
            yield (
                f"tricks.{other.name}",
                f"tricks.{one.name} does the same already; drop one of them",
            )
        elif isinstance(one.trick, Pool) and isinstance(other.trick, Pool):
            yield (
                f"tricks.{other.name}",
                f"D's fakes can come from one pool only; drop it or tricks.{one.name}",
            )
    for entry in placed:
        for kind, why in game.refuses.items():
            if isinstance(entry.trick, kind):
                yield f"tricks.{entry.name}", why


def _trains(game: Game, player: str, kind: type[nn.Module]) -> bool:
    return any(isinstance(module, kind) for module in game.players[player].modules)


def _has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(module, _BatchNorm) for module in network.modules())
