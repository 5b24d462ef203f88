"""The jobs of a sweep, known before the first of them starts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig

from gan_cli.cli.composed import hydra_over
from gan_cli.cli.diagnosis import composed
from gan_cli.cli.overrides import as_typed
from gan_cli.errors import UserError

BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"

Check = Callable[[DictConfig], object]
"""Raises UserError where a composed config is not one that can be run."""


class Jobs(NamedTuple):
    """What a sweep is going to do."""

    labels: Sequence[str]
    """`job 0 (seed=0,model=dcgan)`, of each; none where another sweeper decides."""
    problems: Sequence[str]
    """A line for each mistake in any of them."""


def look_ahead(
    config_name: str, folders: Sequence[Path], overrides: Sequence[str], check: Check
) -> Jobs:
    """Compose and check every job of a sweep; what cannot be composed is left to Hydra to say.

    Args:
        config_name: the primary config.
        folders: that of the primary config, then others with YAML.
        overrides: as typed.
        check: of one job.
    """
    labels, problems = [], []
    try:
        with hydra_over(folders) as loader:
            parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
            swept = {o.get_key_element() for o in parsed if o.is_sweep_override()}
            fixed = [o.input_line for o in parsed if not o.is_sweep_override()]
            own = compose(config_name, overrides=list(map(str, fixed)), return_hydra_config=True)
            if own.hydra.sweeper._target_ != BASIC or own.hydra.sweeper.get("params"):
                return Jobs([], [])
            for number, job in enumerate(BasicSweeper.split_arguments(parsed, None)[0]):
                chosen = [as_typed(o) for o in job if o.partition("=")[0] in swept]
                labels.append(f"job {number} ({','.join(chosen)})")
                config = composed(config_name, job)
                try:
                    check(config)
                except UserError as error:
                    problems += [f"{labels[-1]}: {problem}" for problem in error.problems]
    except (HydraException, ValueError):
        return Jobs([], [])
    return Jobs(labels, problems)
