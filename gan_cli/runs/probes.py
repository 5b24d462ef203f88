"""What looks at a run while it trains, as its config says."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from gan_cli.assembly.build import Parts
from gan_cli.data.dataset import Pictures
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import UserError
from gan_cli.evaluation.evaluator import Examiner
from gan_cli.evaluation.probe import Quality, refuse_unknown
from gan_cli.evaluation.reference import read_held_out, read_reference
from gan_cli.games.two_player import Game
from gan_cli.health.probe import Health

log = logging.getLogger(__name__)

Config = Mapping[str, Any]

ENOUGH = 10_000
"""Held-out pictures that health is read from, a batch at a time."""


def attach_probes(
    trainer: Trainer,
    config: Config,
    trusted: Sequence[str] | None,
    parts: Parts,
    earlier: Sequence[Mapping[str, float]],
) -> tuple[str, bool] | None:
    """Give `trainer` the probes its config asks for.

    Args:
        trainer: built.
        config: checked.
        trusted: see `check.locate`.
        parts: of the run.
        earlier: reports of a run that is gone on with.

    Returns:
        the scalar that the best checkpoint goes by, and whether less of it is better; None where
        none is kept.

    Raises:
        UserError: samples are to be measured and cannot be.
    """
    quality = open_quality(config, trusted, parts, trainer)
    health = open_health(config, trusted, trainer, earlier)
    trainer.probes = [probe for probe in (quality, health) if probe is not None]
    return None if quality is None else quality.choose(config["evaluation"]["best"])


def open_quality(
    config: Config, trusted: Sequence[str] | None, parts: Parts, trainer: Trainer
) -> Quality | None:
    """What measures samples; None where `trainer.evaluate_every` is 0.

    Args:
        config: checked.
        trusted: see `check.locate`.
        parts: of the run.
        trainer: built.

    Raises:
        UserError: there is nothing to measure by, or nothing to measure against.
    """
    every, chosen = config["trainer"]["evaluate_every"], config["evaluation"]
    if not every:
        return None
    refuse_unknown(chosen["best"])  # extractors may take minutes
    reference = read_reference(_unlimited(config["data"]), trusted, chosen["count"])
    examiner = Examiner(
        reference, seed=config["seed"], inception=chosen["inception"], device=trainer.device
    )
    log.info(
        "measuring %d fakes every %d steps, against %d real pictures (%s)",
        *(chosen["count"], every, len(reference.images), reference.split),
    )
    network = parts.generator if trainer.average is None else trainer.average.network
    return Quality(every, examiner, network, chosen["count"], config["seed"])


def open_health(
    config: Config,
    trusted: Sequence[str] | None,
    trainer: Trainer,
    earlier: Sequence[Mapping[str, float]],
) -> Health | None:
    """What watches both players; None where `trainer.health` is false.

    Args:
        config: checked.
        trusted: see `check.locate`.
        trainer: built.
        earlier: reports of a run that is gone on with.
    """
    if not config["trainer"]["health"]:
        return None
    assert isinstance(trainer.objective, Game)
    held_out = None
    try:
        found = read_held_out(config["data"], trusted)
        if found is not None:
            labels = None if found.labels is None else found.labels[:ENOUGH].clone()
            held_out = Pictures(found.images[:ENOUGH].clone(), labels)  # lets go of the others
    except UserError as error:
        log.info("D is not watched on held-out pictures: %s", error)
    return Health(trainer.objective, trainer.log_every, config["seed"], held_out, earlier)


def _unlimited(data: Config) -> Config:
    """All pictures are the reference, however few of them are trained on."""
    return {**data, "limit": None} if "limit" in data else data
