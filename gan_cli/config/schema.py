"""What a whole config is made of, typed and frozen."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge

from gan_cli.config.components import TARGET, Component, parameters
from gan_cli.config.names import Name, TrickName
from gan_cli.config.signatures import Checker
from gan_cli.data.dataset import Dataset
from gan_cli.engine.ema import EMA
from gan_cli.games.base import Game
from gan_cli.games.losses import Loss
from gan_cli.ranges import Count, Natural, Positive
from gan_cli.sinks.loggers import Logger
from gan_cli.spelling import nearest
from gan_cli.tricks.base import Trick
from gan_cli.tricks.schedules import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSettings:
    """`data:` a dataset and how batches are drawn from it.

    Attributes:
        dataset: what is drawn from.
        n_classes: how many labels there are; 0 for none, null for as many as are found.
        batch_size: examples in a batch.
        memory_limit: GiB of decoded data to keep in memory; more is read as it is drawn.
        workers: processes that decode what does not fit; 0: none beside the training's own.
        flip: mirror images left to right with probability 1/2.
        jitter: enlarge images by so many pixels and cut them to their size again, at random.
    """

    dataset: Component
    n_classes: Natural | None
    batch_size: Count
    memory_limit: Positive
    workers: Natural
    flip: bool
    jitter: Natural = 0

    @classmethod
    def from_config(cls, checker: Checker, value: Any, key: str) -> "DataSettings | None":
        """A section whose keys are partly the dataset's."""
        found = _with_component(checker, value, key, cls, "dataset", Dataset)
        return cls(**found) if found else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """`optimizer:` of all players, or of single ones, and the schedule they follow.

    Attributes:
        default: of players that have none of their own.
        schedule: of the learning rate.
        players: of those that have one, by name.
        lazy_apart: lazy terms get a step of their own, and rate and betas are corrected for it.
    """

    default: Component
    schedule: Component
    players: Mapping[str, Component]
    lazy_apart: bool = False

    @classmethod
    def from_config(cls, checker: Checker, value: Any, key: str) -> "OptimizerSettings | None":
        """`optimizer.<player>.<key>` rules over `optimizer.<key>` for that player."""
        if not isinstance(value, Mapping) or TARGET not in value:
            checker.problems[key] = f"{key}={value!r}: should name an optimizer in {key}.{TARGET}"
            return None
        kinds = [torch.optim.Optimizer]
        passed_over = checker.is_passed_over(value, key)
        kind = None if passed_over else checker.named_class(value, kinds, key)
        besides = {"schedule", "lazy_apart"}
        taken = {
            TARGET,
            *besides,
            *(parameters(kind) if kind else ()),
        }  # an argument may be a schedule
        own = {k: v for k, v in value.items() if isinstance(v, Mapping) and k not in taken}
        common = {k: v for k, v in value.items() if k not in own and k not in besides}
        apart = checker.value(value.get("lazy_apart", False), bool, f"{key}.lazy_apart")
        default = checker.component(common, kinds, key)
        schedule = checker.value(value.get("schedule"), Schedule, f"{key}.schedule")
        players = {}
        for name, node in own.items():
            other = TARGET in node and node[TARGET] != common[TARGET]
            inherited = {"lr": common["lr"]} if other and "lr" in common else common
            merged = {**({} if other else common), **inherited, **node}
            inner = Checker(checker.variables, checker.trusted, checker.unused)
            players[name] = inner.component(merged, kinds, f"{key}.{name}")
            # what is wrong with a value that all players share is said once, of the common key
            shared = {f"{key}.{name}.{k}" for k in inherited if k not in node}
            checker.problems |= {k: v for k, v in inner.problems.items() if k not in shared}
        if default is None or schedule is None or None in players.values():
            return None
        return cls(default=default, schedule=schedule, players=players, lazy_apart=apart)  # type: ignore[arg-type]

    def of(self, player: str) -> Component:
        """The optimizer of one player, still without its parameters."""
        return self.players.get(player, self.default)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrickSettings:
    """An entry of `tricks:`.

    Attributes:
        trick: what it names.
        on: the adversaries or players it is for, by name; null: all that it fits.
    """

    trick: Component
    on: list[str] | None = None

    @classmethod
    def from_config(cls, checker: Checker, value: Any, key: str) -> "TrickSettings | None":
        """A trick's own keys beside `on`."""
        if isinstance(value, Mapping) and TARGET not in value:
            name = key.rpartition(".")[2]
            checker.problems[key] = (
                f"{key}: this trick is not chosen; name {name} in 'tricks=[...]' beside others, or "
                f"drop its keys, which an experiment may set: '~{key}'"
            )
            return None
        found = _with_component(checker, value, key, cls, "trick", Trick)
        if found and found["trick"].cls.__module__ == Trick.__module__:
            checker.problems[key] = (
                f"{key}.{TARGET}: a base class, which does nothing; name a trick"
            )
        if found and found.get("on") == []:
            checker.problems[f"{key}.on"] = f"{key}.on=[]: name one at least, or drop the trick"
        return cls(**found) if found else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """`trainer:` how long, on what, and what is written when."""

    steps: Count
    epochs: Positive | None = None
    minutes: Positive | None = None
    device: str
    precision: Literal["auto", "fp32", "tf32", "bf16"]
    graphs: Literal["auto", "on", "off"]
    accumulate: Count
    sync_batchnorm: bool
    log_every: Count
    sample_every: Natural
    checkpoint_every: Natural
    keep_last: Count
    evaluate_every: Natural
    health: bool
    on_nan: Literal["stop", "skip", "rollback"]
    returns: str | None
    dry_run: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """`evaluation:` how samples are measured during training."""

    count: Annotated[int, Ge(10)]  # neighbourhoods take 5 others
    inception: str
    best: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole of a run's config.

    Attributes:
        plain: the resolved config as plain containers, as it is written down; not a key.
        links: which keys were `${references}` to which others; not a key.
    """

    name: Name
    seed: Natural
    resume: str | None
    trust: list[str]
    loss: Annotated[Component, Loss] | None = None
    model: Annotated[Component, Game]
    data: DataSettings
    optimizer: OptimizerSettings
    tricks: dict[TrickName, TrickSettings]
    ema: Annotated[Component, EMA] | None
    trainer: TrainerSettings
    evaluation: EvaluationSettings
    logger: dict[str, Annotated[Component, Logger]] = dataclasses.field(default_factory=dict)
    plain: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    links: Mapping[str, str] = dataclasses.field(default_factory=dict)

    NOT_KEYS: ClassVar[tuple[str, ...]] = ("plain", "links")

    @classmethod
    def from_config(cls, checker: Checker, value: Any, key: str) -> "Settings | None":
        """Everything; None where anything is wrong."""
        arguments = checker.arguments(value, [cls], key, skip=cls.NOT_KEYS)
        for name in (n for n in cls.NOT_KEYS if n in value):
            checker.problems[name] = f"{name}: no such key"
        if checker.problems:
            return None
        players = arguments["model"].cls.players_in_order
        for name in arguments["optimizer"].players.keys() - set(players):
            place = f"optimizer.{name}"
            checker.problems[place] = f"{place}: no such player{nearest(str(name), players)}"
        return None if checker.problems else cls(**arguments)


def _with_component(
    checker: Checker, value: Any, key: str, section: type, field: str, wanted: type
) -> dict[str, Any] | None:
    """The arguments of a section that holds, beside keys of its own, those of a component."""
    if not isinstance(value, Mapping):
        checker.problems[key] = f"{key}={value!r}: should be a group of keys"
        return None
    own = {f.name for f in dataclasses.fields(section)}
    if passed_over := checker.is_passed_over(value, key):
        value = {k: v for k, v in value.items() if k in own}
    cls = wanted if passed_over else checker.named_class(value, [wanted], key)
    if cls is None:
        return None
    before = len(checker.problems)
    arguments = checker.arguments(value, [section, cls], key, skip=(field,))
    if len(checker.problems) > before:
        return None
    theirs = {k: v for k, v in arguments.items() if k in parameters(cls)}
    component = Component(cls, theirs, key)
    return {k: v for k, v in arguments.items() if k in own} | {field: component}
