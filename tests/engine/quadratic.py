"""A game that can be checked by hand, and a trainer for it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import nn

from gan_cli.data.fields import Batch
from gan_cli.engine.duration import Duration
from gan_cli.engine.player import Player
from gan_cli.engine.schedules import Constant, Linear
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import RunFailed
from gan_cli.games.base import Losses
from gan_cli.tricks.examples import Progress

CPU = torch.device("cpu")


class Counting:
    """Batches that say which they are."""

    def __init__(self) -> None:
        self.size, self.position = 8, 0
        self.fails_at: int | None = None

    def next(self) -> Batch:
        if self.position == self.fails_at:
            raise RunFailed("a worker died")
        self.position += 2
        return {"image": torch.full((2, 1), float(self.position))}

    def seek(self, position: int) -> None:
        self.position = position

    def close(self) -> None:
        pass


class Quadratic(nn.Module):
    """Each player pulls its own number towards 1; notes the turns it was asked for.

    What it does follows from no progress, but for what a test makes of its number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.ModuleDict(
            {name: nn.Linear(1, 1, bias=False) for name in ("discriminator", "generator")}
        )
        for network in self.own.values():
            nn.init.zeros_(network.weight)
        self.asked: list[tuple[str, float, list[bool]]] = []
        self.steps: list[Progress] = []
        self.drawn: list[float] = []
        self.poison: Callable[[str, int], bool] = lambda player, step: False
        self.forgetful: Callable[[Progress, Progress], Collection[str]] = lambda before, now: ()
        self.rests: Callable[[str, int], bool] = lambda player, step: False
        self.times = {"discriminator": 1, "generator": 1}
        self.poison_gradient: Callable[[str, int], bool] = lambda player, step: False

    @property
    def averaged(self) -> Mapping[str, nn.Module]:
        return {"own.generator": self.own["generator"]}

    def begin_step(self) -> None:
        pass

    def turns(self, player: str, progress: Progress) -> int:
        return 0 if self.rests(player, progress[0]) else self.times[player]

    def turn(self, player: str, batch: Batch, progress: Progress) -> Losses:
        wanted = [p.requires_grad for p in self.own.parameters()]
        self.asked.append((player, float(batch["image"][0]), wanted))
        weight = self.own[player].weight
        loss = ((weight - 1.0) ** 2).sum()
        if self.poison(player, progress[0]):
            loss = loss * float("nan")
        if self.poison_gradient(player, progress[0]):
            loss = loss + (weight - weight.detach()).abs().sqrt().sum()  # adds 0, its slope is not
        self.drawn.append(torch.rand(()).item())
        return Losses({"pull": loss, "other": 0 * loss}, {"score/real": loss.detach()})

    def on_skip(self) -> None:
        pass

    def on_step(self, progress: Progress) -> None:
        self.steps.append(progress)

    def fresh(self, before: Progress, now: Progress) -> Collection[str]:
        return self.forgetful(before, now)


def a_trainer(n_critic: int = 1, fused: bool = False, **options: Any) -> tuple[Trainer, Quadratic]:
    game = Quadratic()
    game.times["discriminator"] = n_critic

    def sgd(net: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(net.parameters(), lr=0.25, fused=fused)

    players = [
        Player(name, [*net.parameters()], sgd(net), schedule, times)
        for (name, net), times, schedule in zip(
            game.own.items(), (n_critic, 1), (Constant(), Linear()), strict=True
        )
    ]
    duration = Duration(steps=options.pop("steps", 4), minutes=options.pop("minutes", None))
    options = {"seed": 0, "device": CPU, "log_every": 2} | options
    return Trainer(game, players, Counting(), duration=duration, **options), game  # type: ignore[arg-type]
