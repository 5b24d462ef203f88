"""A trained game out of a checkpoint or an export; the data it was trained on is not needed."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gan_cli.assembly.build import build_game, place
from gan_cli.assembly.compatibility import refuse_unfit_data
from gan_cli.assembly.dry_run import try_drawing
from gan_cli.assembly.memory import bytes_of, lay_out_game
from gan_cli.config.checkpointed import relink, trusted_in_checkpoint
from gan_cli.config.reader import read
from gan_cli.config.schema import Settings
from gan_cli.data.fields import Field, Fields, Kind
from gan_cli.errors import UserError
from gan_cli.games.base import Game
from gan_cli.inference.exported import is_exported, read_exported
from gan_cli.sinks.checkpoint import load_newest

MISFITS = (RuntimeError, KeyError, TypeError, AttributeError, ValueError)
"""What torch raises where a state does not fit."""

LONGEST_NAME = 100
"""Characters of a class name that anybody would want to read."""
DIMENSIONS: dict[Kind, int] = {"image": 3, "point": 3, "wave": 3, "label": 0}
"""Of a sample of each kind."""


class Loaded(NamedTuple):
    """A game as it was trained."""

    game: Game
    """In evaluation mode, without gradients, on its device. Of an export only the networks that
    draw hold numbers."""
    settings: Settings
    """The run's, as far as a checkpoint's are obeyed."""
    class_names: Sequence[str]
    """Of the labels; empty where they have none."""
    averaged: bool
    """Whether the mean of weights draws."""
    path: Path
    """The file it was read from."""
    step: Any
    """Of the run."""
    content: Mapping[str, Any]
    """What else the checkpoint says, see `sinks.checkpoint.load`."""


def open_game(
    path: Path,
    *,
    average: bool,
    trust: Sequence[str],
    device: torch.device,
    unused: Sequence[str] = ("data", "optimizer"),
) -> Loaded:
    """The game of a checkpoint, of a run's newest good one, or of what gan-export wrote.

    Args:
        path: of the file or folder.
        average: draw with the running mean of weights, where the run kept one.
        trust: packages, besides this one, whose classes the config there may name.
        device: where to put it.
        unused: sections of the config that are not needed here, so that a class of the person's
            own in them needs no trust. Without `data`, nothing of the dataset is in the settings.

    Raises:
        UserError: nothing good is there; the config is refused or does not fit the weights.
    """
    weights = None
    if is_exported(path):
        found, content, weights = read_exported(path)
        step, averaged = content["step"], content["averaged"]
        if averaged and not average:
            raise UserError(f"ema=false: {path} holds the mean of weights alone; leave ema out")
    else:
        found, content = load_newest(path)
        step = content["state"].get("step")
    config = relink(content["config"], content["links"])
    settings = read(config, trusted_in_checkpoint(trust), (*unused, "logger"))
    fields = fields_of(content)
    refuse_unfit_data(settings.model.cls, fields)
    if weights is None:
        state = content["state"]
        game = build_game(settings, fields, bytes_of(state.get("game")))
        with _fitting(found):
            averaged = _restore(game, settings, state, average)
        place(game, device)
    else:
        game = lay_out_game(settings, fields)
        with _fitting(found):
            _fill(game, weights)
        for network in game.averaged.values():
            place(network, device)
    game.eval().requires_grad_(False)
    try_drawing(game, device)
    names = [name[:LONGEST_NAME] for name in content["class_names"]]
    about = {key: part for key, part in content.items() if key != "state"}
    return Loaded(game, settings, names, averaged, found, step, about)


def run_of(checkpoint: Path) -> Path:
    """The folder of the run a checkpoint belongs to, else that in which it lies."""
    folder = checkpoint.parent
    return folder.parent if folder.name == "checkpoints" else folder


@contextlib.contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """What torch raises where weights do not fit becomes one line."""
    try:
        yield
    except MISFITS as error:
        raise UserError(
            f"{path}: its weights do not fit its config: {str(error).splitlines()[0]}"
        ) from error


def _restore(game: Game, settings: Settings, state: Mapping[str, Any], average: bool) -> bool:
    """Give a game a checkpoint's state; returns whether the mean of weights draws."""
    mean = settings.ema.build() if settings.ema and state.get("average") is not None else None
    game.load_state_dict(state["game"])
    if mean is None:
        return False
    mean.attach(game.averaged)
    mean.load_state_dict(state["average"])
    if average:
        mean.stand_in(game)
    return average


def _fill(game: Game, weights: Mapping[str, Tensor]) -> None:
    """Give the networks that draw their weights, each named after its attribute.

    The game takes no memory before, nor more than these weights after: a tensor that is not of its
    parameter's shape is refused.
    """
    left = dict(weights)
    for attribute, network in game.averaged.items():
        start = f"{attribute}."
        own = {name: left.pop(name) for name in weights if name.startswith(start)}
        network.load_state_dict(
            {name.removeprefix(start): tensor for name, tensor in own.items()}, assign=True
        )
        if any(t.is_meta for t in itertools.chain(network.parameters(), network.buffers())):
            raise ValueError(f"{attribute} has buffers that no file holds")
    if left:
        raise ValueError(f"nothing takes {next(iter(left)):.100}")


def fields_of(content: Mapping[str, Any]) -> Fields:
    """The data's fields, as a checkpoint holds them.

    Raises:
        UserError: they are damaged.
    """
    try:
        fields = {
            str(name): Field(
                *(field["kind"], tuple(map(int, field["shape"])), str(field["group"])),
                rate=int(field.get("rate", 0)),
            )
            for name, field in content["fields"].items()
        }
        for name, field in fields.items():
            odd = (field.rate > 0) != (field.kind == "wave")
            if odd or len(field.shape) != DIMENSIONS[field.kind] or min(field.shape, default=1) < 1:
                raise ValueError(f"{name}: {field}")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(f"the checkpoint's fields are damaged ({error!r:.100})") from error
    return fields
