"""A config composed as Hydra does it for a command, without one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import compose, version
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.initialize import get_gh_backup, restore_gh_from_backup
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from gan_cli.cli.composed import hydra_over
from gan_cli.cli.diagnosis import diagnose, unknown_in_hydra
from gan_cli.errors import UserError
from gan_cli.paths import conf_folder


@contextmanager
def composed(
    config_name: str,
    overrides: Sequence[str],
    config_folder: Path | None = None,
    own: Path | None = None,
    run_folder: Path | None = None,
) -> Iterator[DictConfig]:
    """What a command would get; Hydra's own settings can be asked for while entered.

    A program that is itself one of Hydra's finds everything as it was afterwards.

    Args:
        config_name: the primary config.
        overrides: as typed after a command.
        config_folder: where the primary config is, if not among the tool's own.
        own: a further folder with YAML, as `--config-dir` names it.
        run_folder: the run's; by default what `hydra.run.dir` says.

    Raises:
        UserError: what is wrong with the overrides, a line each.
    """
    folders = [config_folder or conf_folder(), *([own] if own else [])]
    before = get_gh_backup(), HydraConfig.instance().cfg
    try:
        try:
            if unknown_in_hydra(overrides):
                raise HydraException("a key that Hydra would take and never read")
            version.setbase("1.3")
            with hydra_over(folders):
                whole = compose(config_name, list(overrides), return_hydra_config=True)
            _place(whole, run_folder)
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            raise UserError(*diagnose(error, config_name, folders, list(overrides))) from error
        yield OmegaConf.masked_copy(whole, [str(key) for key in whole if key != "hydra"])
    finally:
        restore_gh_from_backup(before[0])
        HydraConfig.instance().cfg = before[1]


def _place(whole: DictConfig, run_folder: Path | None) -> None:
    """Say where the run is, as Hydra does once it knows."""
    HydraConfig.instance().set_config(whole)
    folder = run_folder or Path(str(whole.hydra.run.dir))
    with read_write(whole.hydra.runtime), open_dict(whole.hydra.runtime):
        whole.hydra.runtime.output_dir = str(folder.expanduser().absolute())
    HydraConfig.instance().set_config(whole)
