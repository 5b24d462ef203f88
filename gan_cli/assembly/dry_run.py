"""Every turn and one drawing on a tiny made-up batch: shape mistakes come out at once."""

import copy
import functools
import traceback
from pathlib import Path

import torch
from torch import Tensor

from gan_cli.data.fields import Batch, Field
from gan_cli.engine.duration import MOST
from gan_cli.engine.player import SYMBOLS
from gan_cli.errors import UserError, is_out_of_memory
from gan_cli.games.base import Game, Losses
from gan_cli.games.requests import Request, Trial
from gan_cli.networks.modes import evaluating
from gan_cli.paths import PACKAGE
from gan_cli.tricks.examples import Progress

COUNT = 4
"""Samples in the batch, where the run's own are not fewer."""
START, END = Progress(0, 0.0, 0.0), Progress(MOST, float(MOST), 1.0)


def try_game(
    game: Game, batch_size: int, n_classes: int, device: torch.device, precision: str = "fp32"
) -> list[str]:
    """Try a game that meets its data's fields and its optimizers; it is left as it was.

    Under `bf16` losses are computed as in training, and differentiated as often.

    Returns:
        Names of the scalars that its turns will log.

    Raises:
        UserError: a network does not fit the data, or a loss is no scalar that can be minimised.
    """
    before = copy.deepcopy(game.state_dict())
    batch = _made_up(game, min(batch_size, COUNT), n_classes, device)
    for trial in game.trials().values():
        _draw(game, trial, batch)
    try:
        names: dict[str, None] = {}
        for progress in _moments(game):
            for player in game.playing:
                names |= dict.fromkeys(_play(game, player, batch, precision, progress))
        return [*names]
    finally:
        game.load_state_dict(before)


def try_drawing(game: Game, device: torch.device) -> None:
    """Let a game draw a few samples, and see whether they are what its fields say.

    Raises:
        UserError: they are not, or a network fails.
    """
    for trial in game.trials().values():
        _draw(game, trial, _made_up(game, COUNT, game.n_classes, device))


def _draw(game: Game, trial: Trial, batch: Batch) -> None:
    count = len(next(iter(batch.values())))
    inputs = {name: batch[name] for name in trial.inputs}
    try:
        with evaluating(*game.averaged.values()):
            request = Request(count, inputs=inputs, direction=trial.direction)
            made = game.draw(game.complete(request)).made
    except UserError:
        raise
    except Exception as error:  # a network is anybody's code
        if is_out_of_memory(error):
            raise
        where = f"; {origin}" if (origin := _origin(error)) else ""
        raise UserError(f"model: drawing {count} samples fails: {_line(error)}{where}") from error
    wanted = game.fields[trial.real]
    if tuple(made.shape) != (count, *wanted.shape):
        advice = "make channels, image_size and output of the networks those of the data"
        if trial.inputs and made.shape[1] == wanted.shape[0] and made.shape[2] == made.shape[3]:
            advice = f"it keeps other sizes, such as data.image_size={made.shape[-1]}"
        raise UserError(
            f"model: it makes {_shape(made.shape[1:])} and the data's `{trial.real}` is "
            f"{wanted}; {advice}"
        )


def _moments(game: Game) -> list[Progress]:
    """The first step; and, where some rest in it, one in which they play."""
    resting = [player for player in game.players if not game.turns(player, START)]
    return [START, END] if resting else [START]


def _play(game: Game, player: str, batch: Batch, precision: str, progress: Progress) -> list[str]:
    has = ", ".join(f"`{name}` {field}" for name, field in game.fields.items())
    try:
        device = next(iter(batch.values())).device.type
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            losses = game.turn(player, batch, progress)
        _refuse_odd(losses, player)
        _differentiate(game, player, losses)
    except UserError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise UserError(
            f"model: the turn of the {player} fails on data with {has}: {_line(error)}; "
            + (_origin(error) or "make channels and image_size of the networks those of the data")
        ) from error
    symbol = SYMBOLS.get(player, player)
    terms = [f"loss/{symbol}/{name}" for name in losses.minimise]
    return [*terms, *losses.watch, f"grad_norm/{symbol}", f"lr/{symbol}"]


def _refuse_odd(losses: Losses, player: str) -> None:
    for name, value in losses.minimise.items():
        if not isinstance(value, Tensor) or value.dim():
            what = f"of shape {_shape(value.shape)}" if isinstance(value, Tensor) else repr(value)
            raise UserError(
                f"loss: {name} of the {player} is {what} and should be a scalar; take its mean"
            )


def _differentiate(game: Game, player: str, losses: Losses) -> None:
    """Nothing of the gradients is kept."""
    modules = game.players[player].modules
    weights = {p for module in modules for p in module.parameters() if p.requires_grad}
    total = functools.reduce(torch.add, losses.minimise.values())
    found = (
        torch.autograd.grad(total, list(weights), allow_unused=True)
        if weights and total.requires_grad
        else [None]
    )
    if weights and all(gradient is None for gradient in found):
        raise UserError(
            f"loss: {' + '.join(losses.minimise)} of the {player} does not depend on its weights; "
            "nothing would be learnt"
        )


def _made_up(game: Game, count: int, n_classes: int, device: torch.device) -> Batch:
    return {name: _values(f, count, n_classes).to(device) for name, f in game.fields.items()}


def _values(field: Field, count: int, n_classes: int) -> Tensor:
    if field.kind == "label":
        return torch.arange(count) % max(n_classes, 1)
    return torch.rand(count, *field.shape) * 2 - 1


def _shape(shape: torch.Size) -> str:
    return "x".join(map(str, shape)) or "single numbers"


def _line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _origin(error: BaseException) -> str:
    """The line that raised it in a person's own code; nothing where none is involved."""
    ours = (str(PACKAGE), str(Path(torch.__file__).parent))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(ours)]
    return f"see {own[-1].filename}:{own[-1].lineno}" if own else ""
