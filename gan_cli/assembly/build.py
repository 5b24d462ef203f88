"""Checked settings to objects, and the objects to a trainer."""

import contextlib
import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gan_cli.assembly.dry_run import START
from gan_cli.assembly.game import assemble_game, step_hooks
from gan_cli.assembly.memory import refuse_too_large
from gan_cli.config.components import Component, built, parameters
from gan_cli.config.schema import Settings, TrainerSettings
from gan_cli.data.batches import Batches, open_batches
from gan_cli.data.dataset import Dataset
from gan_cli.data.fields import Fields
from gan_cli.engine.distributed import ALONE, Ranks
from gan_cli.engine.duration import Duration
from gan_cli.engine.graphs import graphs_for
from gan_cli.engine.player import Memory, Player, settled
from gan_cli.engine.trainer import Trainer
from gan_cli.engine.uncompiled import leave_out_compiler, step
from gan_cli.errors import UserError, is_out_of_memory
from gan_cli.games.base import Game

M = TypeVar("M", bound=nn.Module)


def build_game(settings: Settings, fields: Fields, held: int | None = None) -> Game:
    """The game, on the CPU, known to fit into memory.

    Args:
        settings: a run's.
        fields: its data's.
        held: bytes of the weights in the checkpoint that its config comes from.

    Raises:
        UserError: it does not fit, constructors refuse, or parts cannot go together.
    """
    refuse_too_large(settings, fields, held)
    return assemble_game(settings, fields)


def build_players(settings: Settings, game: Game) -> list[Player]:
    """A player each, with its optimizer, in the order they play.

    Raises:
        UserError: an optimizer refuses its arguments.
    """
    leave_out_compiler()
    hooks = step_hooks(game, settings)
    players = []
    specs = game.players
    for name in game.playing:
        spec = specs[name]
        trained, times = spec.trained, spec.times
        component, moving = _at_first(settings.optimizer.of(name))
        apart = settings.optimizer.lazy_apart and bool(game.lazy_terms(name))
        if apart:
            every = min(term.every for term in game.lazy_terms(name).values())
            component = with_more_steps(component, every, moving)
        memory = _try_step(component, trained)
        optimizer = _build_optimizer(component, trained)
        schedule = settings.optimizer.schedule.build()
        players.append(
            Player(name, trained, optimizer, schedule, times, hooks[name], memory, moving, apart)
        )
    game.set_optimizers({player.name: player.optimizer for player in players})
    return players


def _at_first(optimizer: Component) -> tuple[Component, Mapping[str, Any]]:
    """An optimizer with the first number of each schedule, and the arguments that hold one."""
    arguments = {name: built(value) for name, value in optimizer.arguments.items()}
    first = {name: settled(value, START) for name, value in arguments.items()}
    moving = {name: value for name, value in arguments.items() if value != first[name]}
    return dataclasses.replace(optimizer, arguments=first), moving


def with_more_steps(optimizer: Component, every: int, moving: Mapping[str, Any]) -> Component:
    """An optimizer that takes k + 1 steps for k, as lazy terms of their own each k-th step make it.

    With c = k / (k + 1), the rate becomes c lr, and each beta beta^c: so it goes as far and forgets
    as much in the same number of images (Karras et al. 2020, "Analyzing", appendix B).

    Raises:
        UserError: its betas follow a schedule.
    """
    if "betas" in moving:
        raise UserError(
            f"{optimizer.key}.lazy_apart: betas that follow a schedule are not corrected; set it "
            "to false, or give the betas as numbers"
        )
    c, changed = every / (every + 1), dict(optimizer.arguments)
    changed["lr"] = c * changed["lr"]
    own = inspect.signature(optimizer.cls).parameters
    if "betas" in own:
        betas = changed.get("betas", own["betas"].default)
        changed["betas"] = tuple(beta**c for beta in betas)
    return dataclasses.replace(optimizer, arguments=changed)


def _build_optimizer(component: Component, trained: Sequence[nn.Parameter]) -> Any:
    """The optimizer, as one kernel for all weights where torch has that and nobody chose.

    On a CPU that takes a sixth of the time, and none of it is spent in Python.
    """
    kinds = ("fused", "foreach", "differentiable")
    chosen = any(kind in component.arguments for kind in kinds)
    if "fused" in parameters(component.cls) and not chosen:
        with contextlib.suppress(UserError):  # not for weights of this kind, or on this device
            return component.build(params=trained, fused=True)
    return component.build(params=trained)


def _try_step(optimizer: Component, trained: Sequence[nn.Parameter]) -> Memory | None:
    """Step such an optimizer on a few numbers of each dimension.

    Returns:
        What it remembers of parameters of each dimension.

    Raises:
        UserError: it cannot be stepped on dense gradients alone.
    """
    probes = {p.dim(): nn.Parameter(p.new_zeros([min(n, 2) for n in p.shape])) for p in trained}
    for probe in probes.values():
        probe.grad = torch.ones_like(probe)
    try:
        tried = optimizer.build(params=list(probes.values()))
        step(tried)
    except UserError:
        raise
    except Exception as error:  # LBFGS wants a closure, SparseAdam sparse gradients
        if is_out_of_memory(error):
            raise
        name = optimizer.cls.__name__
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{optimizer.key}: {name} cannot train these networks ({reason}); take another"
        ) from error
    if not optimizer.cls.__module__.startswith("torch.optim."):
        return None  # a person's own may remember anything
    return {dim: dict(tried.state[probe]) for dim, probe in probes.items()}


def build_batches(
    settings: Settings,
    dataset: Dataset,
    device: torch.device,
    load: Callable[[], Mapping[str, Tensor]] | None = None,
    ranks: Ranks = ALONE,
) -> Batches:
    """The endless stream of a prepared dataset's samples; `load` is that of `open_batches`."""
    data = settings.data
    return open_batches(
        dataset,
        batch_size=data.batch_size,
        device=device,
        seed=settings.seed,
        memory_limit=data.memory_limit,
        workers=data.workers,
        flip=data.flip,
        jitter=data.jitter,
        rank=ranks.rank,
        ranks=ranks.size,
        load=load,
    )


def build_trainer(
    settings: Settings,
    game: Game,
    players: list[Player],
    batches: Batches,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> Trainer:
    """Everything together, with the mean of weights beginning at the present ones."""
    average = settings.ema.build() if settings.ema else None
    if average is not None:
        average.attach(game.averaged)
    trainer = settings.trainer
    per_step = settings.data.batch_size * max(player.times for player in players)
    built = Trainer(
        game,
        players,
        batches,
        duration=duration_of(trainer, batches.size / per_step),
        seed=settings.seed,
        device=device,
        log_every=trainer.log_every,
        average=average,
        precision=trainer.precision,
        on_nan=trainer.on_nan,
        ranks=ranks,
        accumulate=trainer.accumulate,
    )
    built.graphs = graphs_for(built, trainer.graphs)
    return built


def duration_of(trainer: TrainerSettings, steps_per_epoch: float) -> Duration:
    """How long a run takes: minutes rule over epochs, and epochs over steps."""
    if trainer.minutes is not None:
        return Duration(minutes=trainer.minutes)
    if trainer.epochs is not None:
        return Duration(steps=math.ceil(trainer.epochs * steps_per_epoch))
    return Duration(steps=trainer.steps)


def place(module: M, device: torch.device) -> M:
    """A game, or a network, on its device, with weights laid out as convolutions like them.

    A network that is better off with its weights as they are says so, by `contiguous = True`.
    """
    module.to(device)
    module.to(memory_format=torch.channels_last)  # saves 7 to 13 % of a step on a CPU
    for part in module.modules():
        if getattr(part, "contiguous", False):
            part.to(memory_format=torch.contiguous_format)
    return module
