"""A trained game out of a checkpoint; the data it was trained on is not needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gan_cli.assembly.build import build_game, place
from gan_cli.assembly.compatibility import refuse_unfit_data
from gan_cli.assembly.dry_run import try_drawing
from gan_cli.assembly.memory import bytes_of
from gan_cli.config.checkpointed import relink, trusted_in_checkpoint
from gan_cli.config.reader import read
from gan_cli.config.schema import Settings
from gan_cli.data.fields import Field, Fields, Kind
from gan_cli.errors import UserError
from gan_cli.games.base import Game

MISFITS = (RuntimeError, KeyError, TypeError, AttributeError, ValueError)
"""What torch raises where a state does not fit."""

LONGEST_NAME = 100
"""Characters of a class name that anybody would want to read."""
DIMENSIONS: dict[Kind, int] = {"image": 3, "point": 3, "wave": 2, "label": 0}
"""Of a sample of each kind."""


class Loaded(NamedTuple):
    """A game as it was trained."""

    game: Game
    """In evaluation mode, without gradients, on its device."""
    settings: Settings
    """The run's, as far as a checkpoint's are obeyed."""
    class_names: Sequence[str]
    """Of the labels; empty where they have none."""
    averaged: bool
    """Whether the mean of weights draws."""


def load_game(
    path: Path,
    content: Mapping[str, Any],
    *,
    average: bool,
    trust: Sequence[str],
    device: torch.device,
    unused: Sequence[str] = ("data", "optimizer"),
) -> Loaded:
    """The game of a checkpoint.

    Args:
        path: the file it was read from.
        content: what `sinks.checkpoint.load` read from it.
        average: draw with the running mean of weights, where the run kept one.
        trust: packages, besides this one, whose classes the checkpoint's config may name.
        device: where to put it.
        unused: sections of the config that are not needed here, so that a class of the person's
            own in them needs no trust. Without `data`, nothing of the dataset is in the settings.

    Raises:
        UserError: the config is refused or does not fit the weights.
    """
    config = relink(content["config"], content["links"])
    settings = read(config, trusted_in_checkpoint(trust), (*unused, "logger"))
    fields, state = fields_of(content), content["state"]
    refuse_unfit_data(settings.model.cls, fields)
    game = build_game(settings, fields, bytes_of(state.get("game")))
    mean = settings.ema.build() if settings.ema and state.get("average") is not None else None
    try:
        game.load_state_dict(state["game"])
        if mean is not None:
            mean.attach(game.averaged)
            mean.load_state_dict(state["average"])
    except MISFITS as error:
        raise UserError(
            f"{path}: its weights do not fit its config: {str(error).splitlines()[0]}"
        ) from error
    if mean is not None and average:
        mean.stand_in(game)
    place(game, device).eval().requires_grad_(False)
    try_drawing(game, device)
    names = [name[:LONGEST_NAME] for name in content["class_names"]]
    return Loaded(game, settings, names, mean is not None and average)


def fields_of(content: Mapping[str, Any]) -> Fields:
    """The data's fields, as a checkpoint holds them.

    Raises:
        UserError: they are damaged.
    """
    try:
        fields = {
            str(name): Field(field["kind"], tuple(map(int, field["shape"])), str(field["group"]))
            for name, field in content["fields"].items()
        }
        for name, field in fields.items():
            if len(field.shape) != DIMENSIONS[field.kind] or min(field.shape, default=1) < 1:
                raise ValueError(f"{name}: {field}")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(f"the checkpoint's fields are damaged ({error!r:.100})") from error
    return fields
