"""What a game is: players, their losses, and what it draws.

A game is what `model._target_` names; its constructor's signature is the schema of
`conf/model/*.yaml`. Nothing outside `games/` knows how many networks there are and what they do.
"""

import abc
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from gan_cli.data.fields import Batch, Fields, Kind
from gan_cli.games.adversary import Adversary
from gan_cli.games.requests import Drawing, LatentPart, LookUp, Option, Request, Sheet, Trial
from gan_cli.tricks.base import Lazy, NetworkTerm, Trick, WeightTerm
from gan_cli.tricks.examples import Progress, RealFakeBatch

RealSamples = Callable[[], Mapping[str, Tensor]]
"""What is trained on, by field: uint8 images, float32 points and waves, int64 labels."""


class PlayerSpec(NamedTuple):
    """One player of a game."""

    modules: Sequence[nn.Module]
    """What it trains; a module may belong to several players. Frozen parameters stay frozen."""
    times: int = 1
    """Batches it plays a step, at the most; see `Game.turns`."""

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Those of its modules, each once, frozen ones among them."""
        found = {id(p): p for module in self.modules for p in module.parameters()}
        return list(found.values())

    @property
    def trained(self) -> list[nn.Parameter]:
        """Those that are not frozen."""
        return [p for p in self.parameters if p.requires_grad]


class Losses(NamedTuple):
    """What came of a player's turn on one batch."""

    minimise: dict[str, Tensor]
    """Scalars whose sum the player minimises, by term."""
    watch: dict[str, Tensor] = {}  # noqa: RUF012  # never written to
    """Detached scalars worth a curve."""


class Game(nn.Module, abc.ABC):
    """A game between networks.

    Subclasses set `players_in_order`, `needs`, `takes`, fill `adversaries`, write what is abstract.
    """

    players_in_order: ClassVar[tuple[str, ...]] = ("discriminator", "generator")
    """Names of the players, in the order they play; `optimizer.<player>.lr` is a key of each."""
    needs: ClassVar[Mapping[str, tuple[Kind, ...]]] = {"image": ("image",)}
    """Fields that a dataset must have, and which kinds of each will do."""
    takes: ClassVar[frozenset[Option]] = frozenset()
    """What may be asked for in `gan-sample`."""
    any_size: ClassVar[bool] = False
    """Whether inputs of any size are taken, one at a time, and drawn from as they are."""
    refuses: ClassVar[Mapping[type[Trick], str]] = {}
    """Tricks that mean nothing here, and why."""

    fields: Fields
    """The dataset's; see `bind`."""
    n_classes: int = 0
    """How many classes the game is told; 0 where it is told none."""

    def __init__(self) -> None:
        super().__init__()
        self.adversaries = nn.ModuleDict()
        self.weight_terms = nn.ModuleDict(
            {player: nn.ModuleDict() for player in self.players_in_order}
        )

    def bind(self, fields: Fields) -> None:
        """Meet the data's fields; called once, before anything is trained or drawn."""
        self.fields = fields

    @property
    @abc.abstractmethod
    def players(self) -> Mapping[str, PlayerSpec]:
        """The players by name: those of `players_in_order`, or as many of them as play."""

    @property
    def playing(self) -> list[str]:
        """Names of the players there are, in the order they play."""
        return [name for name in self.players_in_order if name in self.players]

    @property
    @abc.abstractmethod
    def averaged(self) -> Mapping[str, nn.Module]:
        """The submodules, by attribute, that draw: an EMA follows them."""

    @property
    def ways(self) -> Mapping[str, nn.Module]:
        """The network that draws, by direction; under the empty name where there is but one way."""
        networks = self.averaged
        return {"": next(iter(networks.values()))} if len(networks) == 1 else networks

    @property
    def latents(self) -> Sequence[LatentPart]:
        """What z is made of, for those who use a generator on its own; none where there is no z."""
        return ()

    @abc.abstractmethod
    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of `player` on one batch of real samples."""

    @abc.abstractmethod
    def draw(self, request: Request) -> Drawing:
        """Draw what a completed request asks for, without gradients, in the mode it is in."""

    @abc.abstractmethod
    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """What a run shows of itself, by name; `samples` is kept for every step."""

    @abc.abstractmethod
    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """What each adversary takes for real in a batch, and its labels, by adversary."""

    @abc.abstractmethod
    def trials(self) -> Mapping[str, Trial]:
        """How it is measured; names become suffixes of the metrics, the empty one adds none."""

    @property
    def translates(self) -> bool:
        """Whether it draws nothing unless it is given an input."""
        trials = self.trials().values()
        return bool(trials) and all(trial.inputs for trial in trials)

    def complete(self, request: Request) -> Request:
        """Fill in what a request leaves to the game, from its seed."""
        return request

    def meet(self, real: RealSamples, n_classes: int, device: torch.device) -> None:
        """Called once before training, for what has to be fetched or made of the data.

        A frozen network that judges belongs here, not among the modules: it is no state. `real`
        gives what is trained on, by field; losses are computed on `device`.

        Raises:
            UserError: it cannot be had.
        """

    def turns(self, player: str, progress: Progress) -> int:
        """How many batches a player plays in this step: 0 to its `times`; a player may rest.

        It follows from the progress alone, so a resumed run plays on as the other would have.
        """
        return self.players[player].times

    def turn(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """`losses` and the terms on the player's own networks; in a lazy phase those that are."""
        if progress.phase == "lazy":
            losses = self._lazy_losses(player, batch, progress)
        else:
            losses = self.losses(player, batch, progress)
        for name, term in self.weight_terms[player].items():  # type: ignore[operator]
            if term.due(progress):
                value = self._value_of(term, player, batch)
                losses.minimise[name] = term.weigh(value, progress)
        return losses

    def lazy_terms(self, player: str) -> Mapping[str, Lazy]:
        """The terms in a player's losses that are computed, but not in each step, by name."""
        spec = self.players[player]
        found = dict(self.weight_terms[player].items())  # type: ignore[operator]
        for which in self.adversaries:
            adversary = self.adversary(which)
            role = "discriminator" if adversary.network in spec.modules else "generator"
            found |= {name: term for name, term in adversary.terms.items() if role in term.roles}  # type: ignore[operator]
        return {n: term for n, term in found.items() if term.every > 1 and term.weight != 0}

    def _lazy_losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """Of `losses` what lazy terms of adversaries add, under their names or `name_which`."""
        own = dict(self.weight_terms[player].items())  # type: ignore[operator]
        lazy = self.lazy_terms(player)
        due = {name for name, term in lazy.items() if name not in own and term.due(progress)}
        if not due:
            return Losses({})
        found = self.losses(player, batch, progress).minimise
        return Losses({n: v for n, v in found.items() if {n, n.rpartition("_")[0]} & due})

    def _value_of(self, term: nn.Module, player: str, batch: Batch) -> Tensor:
        spec = self.players[player]
        if isinstance(term, NetworkTerm):
            parts = [term(m, batch) for m in spec.modules if isinstance(m, term.of)]
            return torch.stack(parts).sum()
        assert isinstance(term, WeightTerm)
        return term(spec.parameters)

    def adversary(self, name: str) -> Adversary:
        """One discriminator's side, by name."""
        found = self.adversaries[name]
        assert isinstance(found, Adversary)
        return found

    def shape_seen_by(self, adversary: str) -> tuple[int, ...]:
        """(C, H, W) of what an adversary takes for real or fake."""
        empty = {
            name: torch.zeros(1, *field.shape, dtype=torch.long if field.kind == "label" else None)
            for name, field in self.fields.items()
        }
        return tuple(self.real_examples(empty)[adversary][0].shape[1:])

    def set_optimizers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        """Meet the players' optimizers, for games that look ahead along them."""

    def begin_step(self) -> None:
        """Called before a step's turns: what players hand on to each other is forgotten here."""

    def on_skip(self) -> None:
        """Called where a turn was skipped and buffers are as before it: its graphs are no good."""

    def on_step(self, progress: Progress) -> None:
        """Called after each step: what grows or adapts does so here."""
        for name in self.adversaries:
            self.adversary(name).on_step(progress)

    def fresh(self, before: Progress, now: Progress) -> Collection[str]:
        """Players whose optimizers are to forget, from before a step to after it, what they know.

        Such as their means of gradients, where weights come into play that had none.
        """
        return ()

    def observe(self, name: str, scored: RealFakeBatch) -> None:
        """Called after a turn of the adversary `name`, for what follows its scores."""
        self.adversary(name).observe(scored)
