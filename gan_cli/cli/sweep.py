"""The jobs of a sweep, known before the first of them starts."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from gan_cli.cli.book import Job
from gan_cli.cli.composed import hydra_over
from gan_cli.cli.diagnosis import composed
from gan_cli.cli.overrides import ODD, as_typed
from gan_cli.cli.start import SWEEP_FILE
from gan_cli.errors import UserError

BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
TORCHRUN = "TORCHELASTIC_RUN_ID"
"""In the environment of each process that torchrun starts."""

Check = Callable[[DictConfig], object]
"""Raises UserError where a composed config is not one that can be run."""


class Plan(NamedTuple):
    """What a sweep is going to do."""

    jobs: Sequence[Job] = ()
    """None where another sweeper decides as it goes."""
    problems: Sequence[str] = ()
    """A line for each mistake in any of them."""


def look_ahead(
    config_name: str, folders: Sequence[Path], overrides: Sequence[str], check: Check
) -> Plan:
    """Compose and check every job of a sweep; what cannot be composed is left to Hydra to say.

    Args:
        config_name: the primary config.
        folders: that of the primary config, then others with YAML.
        overrides: as typed.
        check: of one job.

    Raises:
        UserError: there can be no sweep here, or its folder holds another's.
    """
    if TORCHRUN in os.environ:
        line = "-m: each process of torchrun would run the whole sweep; start it without torchrun"
        raise UserError(f"{line}, hydra/launcher=local gives each job a GPU of its own")
    jobs: list[Job] = []
    problems: list[str] = []
    try:
        with hydra_over(folders) as loader:
            parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
            fixed = [str(o.input_line) for o in parsed if not o.is_sweep_override()]
            own = compose(config_name, overrides=fixed, return_hydra_config=True)
            _refuse_another(own, parsed)
            sweeper: Any = OmegaConf.to_container(own.hydra.sweeper, resolve=True)
            if sweeper["_target_"] != BASIC:
                return Plan()
            searched = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
            parser = OverridesParser.create(config_loader=loader)
            varied = parser.parse_overrides([*searched, *overrides])
            swept = {o.get_key_element() for o in varied if o.is_sweep_override()}
            for number, job in enumerate(BasicSweeper.split_arguments(varied, None)[0]):
                config = composed(config_name, job)
                chosen = [as_typed(o) for o in job if o.partition("=")[0] in swept]
                jobs.append(Job(number, tuple(chosen), _subfolder(number)))
                try:
                    check(config)
                except UserError as error:
                    problems += [f"{jobs[-1].label}: {problem}" for problem in error.problems]
    except (HydraException, ValueError):
        return Plan()
    return Plan(jobs, problems)


def _subfolder(number: int) -> str:
    """The folder of the job that was composed last, below its sweep's."""
    config: Any = HydraConfig.instance().cfg  # typed as what it is not
    try:
        with read_write(config), open_dict(config):
            config.hydra.job.num = config.hydra.job.id = number
            return str(OmegaConf.select(config, "hydra.sweep.subdir"))
    except OmegaConfBaseException:
        return str(number)


def _refuse_another(own: DictConfig, parsed: Sequence[Override]) -> None:
    """Raise UserError where the folder holds another command's sweep; its launcher may differ."""
    HydraConfig.instance().set_config(own)  # the folder may hold ${hydra:...}
    try:
        folder = Path(str(own.hydra.sweep.dir))
        before = yaml.safe_load((folder / SWEEP_FILE).read_text(encoding="utf-8"))["hydra"]
        earlier = list(map(str, before["overrides"]["task"]))
        sweeper = before["sweeper"]
        searched = sweeper["_target_"], sweeper.get("params") or {}
    except (OSError, yaml.YAMLError, OmegaConfBaseException, *ODD):
        return
    now: Any = OmegaConf.to_container(own.hydra.sweeper, resolve=True)
    given = [str(o.input_line) for o in parsed if not o.is_hydra_override()]
    if (given, now["_target_"], now.get("params") or {}) != (earlier, *searched):
        typed = " ".join(map(as_typed, earlier))
        raise UserError(
            f"hydra.sweep.dir={folder}: holds the sweep of another command, gan-train -m {typed}; "
            "repeat that one, or give this one a folder of its own"
        )
