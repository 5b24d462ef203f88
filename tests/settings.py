"""Settings as a command line makes them, without a command."""

from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from gan_cli.config.reader import read
from gan_cli.config.schema import Settings
from gan_cli.paths import conf_folder


def composed(*overrides: str) -> DictConfig:
    """What Hydra makes of `gan-train` with these arguments."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", ["name=test", *overrides], return_hydra_config=True)
    return OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])


def settings_of(*overrides: str, trusted: Sequence[str] | None = None) -> Settings:
    """The same, checked."""
    return read(composed(*overrides), trusted)
