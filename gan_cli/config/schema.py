"""What a whole config is made of, and how one travels with a checkpoint.

Plain values stop here and in `build.py`; no component sees a config.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import nn

from gan_cli.config.signatures import TRUSTED, Checker, raise_if_any
from gan_cli.data.dataset import Dataset
from gan_cli.engine.schedules import Schedule
from gan_cli.errors import UserError
from gan_cli.games.losses import Loss
from gan_cli.networks.roles import Discriminator, Generator
from gan_cli.paths import conf_folder
from gan_cli.ranges import Count, Natural, Positive

LATER = ("trainer", "evaluation")
"""Sections that decide what is written and how long: no checkpoint needs to say all of it."""
REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")


@dataclasses.dataclass
class Model:
    """`model:` both networks and their loss."""

    latent_dim: Count
    n_critic: Count
    conditional: bool
    generator: Generator
    discriminator: Discriminator
    loss: Loss


@dataclasses.dataclass
class Data:
    """`data:` a dataset and how batches are drawn from it."""

    component: ClassVar[type] = Dataset
    n_classes: Natural | None
    batch_size: Count
    memory_limit: Positive
    workers: Natural
    flip: bool


@dataclasses.dataclass
class Optimizer:
    """`optimizer:` one per side, and the schedule both follow."""

    lr: Positive
    generator: torch.optim.Optimizer
    discriminator: torch.optim.Optimizer
    schedule: Schedule


@dataclasses.dataclass
class Trainer:
    """`trainer:` how long, on what, and what is written when."""

    steps: Count
    epochs: Positive | None
    device: str
    precision: Literal["fp32", "bf16"]
    log_every: Count
    sample_every: Natural
    checkpoint_every: Natural
    keep_last: Count
    evaluate_every: Natural
    health: bool
    on_nan: Literal["stop", "skip", "rollback"]
    returns: str


@dataclasses.dataclass
class Evaluation:
    """`evaluation:` how samples are measured during training."""

    count: Annotated[int, Ge(10)]  # neighbourhoods take 5 others
    inception: str
    best: str


@dataclasses.dataclass
class Config:
    """The whole."""

    name: str
    seed: Natural
    resume: str | None
    trust: list[str]
    model: Model
    data: Data
    optimizer: Optimizer
    tricks: dict[str, nn.Module]
    trainer: Trainer
    evaluation: Evaluation


def check(
    config: DictConfig, trusted: Sequence[str] | None = None, wanted: type = Config
) -> dict[str, Any]:
    """The config as checked plain values.

    Args:
        config: as Hydra composed it.
        trusted: whose classes it may name; None: any.
        wanted: the dataclass it should fit.

    Raises:
        UserError: all that is wrong with it, one line per key.
    """
    links = find_links(config)
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {str(error).splitlines()[0]}") from error
    checker = Checker(variables=set(links.values()), trusted=trusted)
    checked = checker.value(plain, wanted, "")
    # a wrong value that several keys interpolate is reported once, where it was given
    problems: dict[str, str] = {}
    for key, said in checker.problems.items():
        source = _source(key, links)
        problems.setdefault(source, said.replace(key, source, 1))
    raise_if_any(problems)
    return checked


def _source(key: str, links: Mapping[str, str]) -> str:
    while key in links:
        key = links[key]
    return key


def find_links(config: DictConfig) -> dict[str, str]:
    """Which keys are `${references}` to which others: `{"model.generator.channels": ...}`."""
    raw = OmegaConf.to_container(config, resolve=False)
    found = {}
    for key, value in leaves(raw):
        match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if match:
            found[key] = match[1]
    return found


def leaves(tree: Any, key: str = "") -> list[tuple[str, Any]]:
    """Full key and value of everything that is not a mapping."""
    if not isinstance(tree, Mapping):
        return [(key, tree)]
    return [
        leaf for name, value in tree.items() for leaf in leaves(value, f"{key}.{name}".lstrip("."))
    ]


def relink(saved: Any, links: Any) -> DictConfig:
    """The config of a checkpoint, linked again so that overrides reach all they used to reach.

    Keys of `LATER` sections that came after it was made take their defaults.

    Raises:
        UserError: it holds keys that are not a run's, or `${...}`, which could read the
            environment.
    """
    if not isinstance(saved, Mapping) or not isinstance(links, Mapping):
        raise UserError("the checkpoint's config is not a mapping")
    known = {field.name for field in dataclasses.fields(Config)}
    for key in saved.keys() - known:  # `hydra:` and `defaults:` would be Hydra's to obey
        raise UserError(f"the checkpoint's config is refused: {key} is no part of a run's config")
    for key, value in leaves(saved):
        if "${" in str(value) or "${" in key:
            raise UserError(f"the checkpoint's config is refused: {key} holds an interpolation")
    config = OmegaConf.create({**saved, "trust": []})  # trust is given on the command line alone
    for section in LATER:
        if isinstance(given := saved.get(section, {}), Mapping):
            defaults = OmegaConf.load(conf_folder() / section / "default.yaml")
            config[section] = OmegaConf.merge(defaults, given)
    for key, source in links.items():
        linked = REFERENCE.fullmatch(f"${{{source}}}") and OmegaConf.select(config, key)
        if linked is not None and linked == OmegaConf.select(config, str(source)):
            OmegaConf.update(config, key, f"${{{source}}}")
    return config


def trusted_in_checkpoint(named: Sequence[str]) -> tuple[str, ...]:
    """Packages a checkpoint's config may name: ours, torch's optimizers, and what `trust=` adds."""
    return (*TRUSTED, *named)
