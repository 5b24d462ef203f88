"""gan-tune: search for hyperparameters, a training run a trial."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gan_cli.cli.process import attend
from gan_cli.errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from gan_cli.data.fields import Fields
    from gan_cli.tuning.space import Dimension

log = logging.getLogger(__name__)

COMMAND = "gan-tune"
OWN = "search"
"""The group, and the section, that are the search's; all else is gan-train's."""
STEPS, EVERY = "trainer.steps", "trainer.evaluate_every"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    attend(COMMAND, run, arguments)


def run(arguments: list[str]) -> int:
    """Take the arguments and return the exit code."""
    from gan_cli.cli.answers import asks
    from gan_cli.cli.app import launch, own_folder, split

    options, overrides = split(arguments)
    own = [o for o in overrides if _key(o).partition(".")[0] == OWN]
    asked = asks(arguments) or {"-sc", "--shell-completion"} & set(options)
    given = [] if asked else [o for o in overrides if o not in own]

    def job(config: "DictConfig") -> None:
        refuse_others_work(options, given)
        find_best(config, given, own_folder(options))

    return launch(COMMAND, job, "tune", [*options, *(overrides if asked else own)])


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def refuse_others_work(options: Sequence[str], given: Sequence[str]) -> None:
    """Raise UserError for what a search does itself, or cannot do."""
    reasons = {
        "resume": "the same command, with the same search.folder, goes on with a search",
        "hydra.run.dir": "runs lie in search.folder, each in its own; give that",
    }
    problems = [f"{o}: {reasons[_key(o)]}" for o in given if _key(o) in reasons]
    if {"-m", "--multirun"} & {*options}:
        problems.append("-m: a search chooses values itself; list them in search.space")
    problems += [f"{o}: an experiment cannot take a key out" for o in given if o[0] == "~"]
    if problems:
        raise UserError(*problems)


def find_best(config: "DictConfig", given: Sequence[str], own: Path | None) -> None:
    """One search: look at what is to be run, run it, say what came out.

    Args:
        config: of the search.
        given: what was typed for gan-train.
        own: a further folder with YAML.

    Raises:
        UserError: runs or a search that cannot be.
        RunFailed: no trial came to its end.
    """
    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError:
        raise UserError(f"{COMMAND}: needs optuna; pip install 'gan-cli[tune]'") from None
    from gan_cli.cli.compare import write_comparison
    from gan_cli.config.reader import check
    from gan_cli.tuning import report, result
    from gan_cli.tuning.search import RUNS, overview, run_search
    from gan_cli.tuning.settings import TuneSettings
    from gan_cli.tuning.space import override, read_space
    from gan_cli.tuning.study import METRIC

    # look: every choice and the ends of every range are checked before the first trial
    settings = check(config, TuneSettings)[0].search
    dimensions = read_space(settings.space)
    overrides = together(settings.overrides, given)
    overrides += marks(overrides, dimensions, settings.marks, own)
    direction, usual = look_at_corners(overrides, dimensions, settings, own)
    shown = [*(["--config-dir", str(own)] if own else []), *overrides]

    # search
    folder = Path(settings.folder).expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)

    def keep(best: Any) -> None:
        chosen = [*overrides, *(override(key, value) for key, value in best.params.items())]
        about = [f"Trial {best.number} of a search, value {best.value:.4g}."]
        about.append(f"  gan-train --config-dir {folder} experiment={result.NAME}")
        result.write_experiment(folder, *parted(chosen, own), about)

    study = run_search(settings, dimensions, direction, shown, usual, keep)

    # say
    metric = study.user_attrs[METRIC]
    for line in overview(study):
        log.info("%s", line)
    write_comparison([str(folder / RUNS), *(["--sort", metric.removeprefix("metric/")])])
    page = report.write_report(folder, study, metric)
    best = study.best_trial
    log.info("best: trial %d, %s %.4g; plots in %s", best.number, metric, study.best_value, page)
    if own is not None:
        copied = f"{folder / 'experiment' / result.NAME}.yaml into {own / 'experiment'}"
        log.info("copy %s to train it with experiment=%s", copied, result.NAME)
    else:
        log.info("train it with: gan-train --config-dir %s experiment=%s", folder, result.NAME)


def together(first: Sequence[str], then: Sequence[str]) -> list[str]:
    """Overrides of which a later one of the same key takes the place of an earlier one."""
    found = {_key(item): item for item in [*first, *then]}
    return list(found.values())


def marks(
    overrides: Sequence[str], dimensions: "Sequence[Dimension]", count: int, own: Path | None
) -> list[str]:
    """How often runs are measured, where that is not said: `count` times in all.

    Raises:
        UserError: their length is not known in steps.
    """
    from gan_cli.cli.embedded import composed
    from gan_cli.cli.overrides import value_given
    from gan_cli.config.reader import settle_length

    if value_given(overrides, EVERY) is not None:
        return []
    first = [_override(dimension, dimension.corners[0]) for dimension in dimensions]
    with composed("train", together(overrides, first), own=own) as config:
        settle_length(config, [_key(item) for item in overrides])
        trainer = config.trainer
        if trainer.evaluate_every:
            return []
        if trainer.epochs is not None or trainer.minutes is not None:
            raise UserError(f"{EVERY}: give it, in steps, where {STEPS} is not the length of a run")
        return [f"{EVERY}={max(int(trainer.steps) // count, 1)}"]


def look_at_corners(
    overrides: Sequence[str], dimensions: "Sequence[Dimension]", settings: Any, own: Path | None
) -> tuple[Any, Mapping[str, Any]]:
    """Compose and check runs at every choice and at the ends of every range.

    Returns:
        Which values of the figure are better, and what a run has without the search, as far as
        the space holds it.

    Raises:
        UserError: some cannot be run; a line each.
    """
    from gan_cli.cli.choices import settle_experiment
    from gan_cli.cli.embedded import composed
    from gan_cli.runs.ahead import check_config
    from gan_cli.tuning.judge import direction_of

    problems: dict[str, None] = {}
    fields: Fields = {}
    for chosen in _corners(dimensions):
        try:
            with composed("train", together(overrides, chosen), own=own) as config:
                settle_experiment(config, quiet=True)
                fields = check_config(config)
        except UserError as error:
            problems |= dict.fromkeys(f"{' '.join(chosen)}: {p}" for p in error.problems)
    if problems:
        raise UserError(*problems, "no trial was started")
    if settings.direction is not None:
        direction = settings.direction
    elif settings.metric is not None:
        direction = direction_of(settings.metric)
    else:  # points have mode_overlap, pairs SSIM, all others a distance
        up = "target" in fields or any(field.kind == "point" for field in fields.values())
        direction = "maximize" if up else "minimize"
    return direction, dict(usual_values(overrides, dimensions, own))


def _corners(dimensions: "Sequence[Dimension]") -> Iterator[list[str]]:
    """Runs in which every choice and every end of a range comes up."""
    most = max(len(dimension.corners) for dimension in dimensions)
    for turn in range(most):
        yield [_override(d, d.corners[turn % len(d.corners)]) for d in dimensions]


def _override(dimension: "Dimension", value: Any) -> str:
    from gan_cli.cli.overrides import reach_unlisted
    from gan_cli.tuning.space import override

    return reach_unlisted(override(dimension.key, value))


def usual_values(
    overrides: Sequence[str], dimensions: "Sequence[Dimension]", own: Path | None
) -> Iterator[tuple[str, Any]]:
    """What a run would have of each key without a search, where the space holds it."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from gan_cli.cli.embedded import composed

    try:
        with composed("train", overrides, own=own) as config:
            choices = HydraConfig.get().runtime.choices
            for dimension in dimensions:
                value = choices.get(dimension.key) or OmegaConf.select(config, dimension.key)
                if value is None and dimension.key.startswith("optimizer."):
                    # a player has what `optimizer` says until its own key is given
                    last = dimension.key.rpartition(".")[2]
                    value = OmegaConf.select(config, f"optimizer.{last}")
                found = dimension.distribution
                if isinstance(value, int | float | str) and found._contains(
                    found.to_internal_repr(value)
                ):
                    yield dimension.key, value
    except (UserError, ValueError, TypeError):
        return  # without what is searched it is no run


def parted(chosen: Sequence[str], own: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Overrides as choices of groups, and as values of keys."""
    from gan_cli.cli.overrides import parse, typed_groups
    from gan_cli.paths import conf_folder

    folders = [conf_folder(), *([own] if own else [])]
    groups = typed_groups(together(chosen, []), folders)
    values = {}
    for item in together(chosen, []):
        parsed = parse(item)
        if parsed is not None and parsed.key_or_group not in groups:
            value = parsed.value()
            values[parsed.key_or_group] = getattr(value, "text", value)
    return groups, values
