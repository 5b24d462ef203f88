"""What looks at a run while it trains, as its config says."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gan_cli.assembly.memory import refuse_too_many
from gan_cli.config.schema import Settings
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import UserError
from gan_cli.evaluation.real_data import RealData
from gan_cli.health.probe import HealthProbe
from gan_cli.spelling import nearest

if TYPE_CHECKING:
    from gan_cli.evaluation.probe import QualityProbe
    from gan_cli.evaluation.sharing import SharedDrawing

log = logging.getLogger(__name__)

ENOUGH = 10_000
"""Held-out samples that health is read from, a batch at a time."""


class Probes(NamedTuple):
    """What the probes of a run decide."""

    best: tuple[str, bool] | None
    """The scalar the best checkpoint goes by, and whether less is better; None keeps none."""
    returns: str
    """The scalar that a sweep gets back."""


def attach_probes(
    trainer: Trainer,
    settings: Settings,
    data: RealData,
    scalars: Sequence[str],
    earlier: Sequence[Mapping[str, float]],
) -> Probes:
    """Give `trainer` the probes its config asks for.

    Args:
        trainer: built.
        settings: the run's.
        data: the run's real samples.
        scalars: names of what the run will log, without what probes add.
        earlier: reports of a run that is resumed.

    Raises:
        UserError: samples are to be measured and cannot be, or `trainer.returns` names nothing.
    """
    quality = open_quality(trainer, settings, data, earlier)
    health = open_health(trainer, settings, data, earlier)
    trainer.probes = [probe for probe in (quality, health) if probe is not None]
    best = None if quality is None else quality.choose(settings.evaluation.best)
    known = [*scalars, *([] if quality is None else quality.names)]
    return Probes(best, choose_returned(settings, known, best))


def choose_returned(settings: Settings, known: Sequence[str], best: tuple[str, bool] | None) -> str:
    """The scalar that `trainer.returns` names, or the one that says most.

    Raises:
        UserError: there will be no such scalar.
    """
    wanted = settings.trainer.returns
    if wanted is None:
        losses = [name for name in known if name.startswith("loss/")]
        of_g = [name for name in losses if name.startswith("loss/G/")]
        return best[0] if best else next(iter(of_g or losses[::-1]))  # else of whoever plays last
    watched = settings.trainer.health and wanted.startswith("health/")
    if wanted not in known and not watched:
        raise UserError(f"trainer.returns={wanted}: no such scalar{nearest(wanted, known)}")
    return wanted


def open_quality(
    trainer: Trainer,
    settings: Settings,
    data: RealData,
    earlier: Sequence[Mapping[str, float]],
) -> "QualityProbe | None":
    """What measures samples; None where `trainer.evaluate_every` is 0.

    Raises:
        UserError: there is nothing to measure by, or nothing to measure against.
    """
    every, chosen = settings.trainer.evaluate_every, settings.evaluation
    if not every:
        return None
    # scikit-learn and scipy take a second to import
    from gan_cli.evaluation.evaluator import Evaluator
    from gan_cli.evaluation.probe import QualityProbe, refuse_unknown
    from gan_cli.evaluation.reference import take_reference

    asked = f"evaluation.count={chosen.count}"
    refuse_too_many(trainer.game.fields, chosen.count, asked)
    refuse_unknown(chosen.best)  # extractors may take minutes
    evaluator = Evaluator(
        trainer.game,
        trainer.draw,
        take_reference(data, chosen.count),
        count=chosen.count,
        seed=settings.seed,
        inception=chosen.inception,
        device=trainer.device,
        draw_parts=_sharing(trainer),
    )
    log.info("measuring %d samples every %d steps", chosen.count, every)
    return QualityProbe(every, evaluator, chosen.best, earlier)


def _sharing(trainer: Trainer) -> "SharedDrawing | None":
    """How samples are drawn on several processes; None where there is but one."""
    if trainer.ranks.size == 1:
        return None
    from gan_cli.evaluation.sharing import SharedDrawing

    return SharedDrawing(trainer)


def open_health(
    trainer: Trainer,
    settings: Settings,
    data: RealData,
    earlier: Sequence[Mapping[str, float]],
) -> HealthProbe | None:
    """What watches all players; None where `trainer.health` is false."""
    if not settings.trainer.health:
        return None
    held_out = None
    try:
        found = data.take_held_out(ENOUGH)
        held_out = None if found is None else found.fields
    except UserError as error:
        log.info("D is not watched on held-out samples: %s", error)
    return HealthProbe(trainer.game, trainer.log_every, settings.seed, held_out, earlier)
