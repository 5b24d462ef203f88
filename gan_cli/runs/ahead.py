"""A config looked at before its run: a sweep's jobs, a search's trials, what else is wrong."""

from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf

from gan_cli.assembly.compatibility import refuse_unfit_data
from gan_cli.assembly.devices import open_device
from gan_cli.assembly.memory import refuse_too_large
from gan_cli.config.reader import read
from gan_cli.data.fields import Fields
from gan_cli.data.order import refuse_large_batch
from gan_cli.engine.distributed import ALONE, share_of
from gan_cli.errors import UserError


def check_config(config: DictConfig) -> Fields:
    """Look at a config that is to be run later; no data is read and nothing is built.

    Returns:
        What its data's samples consist of.

    Raises:
        UserError: it cannot be run.
    """
    settings = read(config if knows_classes(config) else with_one_class(config))
    dataset = settings.data.dataset.build()
    open_device(settings.trainer.device)
    share_of(settings.data.batch_size, ALONE, settings.trainer.accumulate)
    refuse_unfit_data(settings.model.cls, dataset.fields)
    if knows_classes(config):
        refuse_too_large(settings, dataset.fields)
    return dataset.fields


def check_batch(config: DictConfig, known: dict[str, Mapping[str, int]]) -> None:
    """See whether there are as many samples as a batch takes, of data that is at hand.

    Args:
        config: one that `check_config` has passed.
        known: sizes of datasets, by what they are made of; what is found is added.

    Raises:
        UserError: there are fewer.
    """
    settings = read(config if knows_classes(config) else with_one_class(config)).data
    component = settings.dataset
    if repr(component) not in known:
        local = {"download": False} if "download" in component.arguments else {}
        dataset = component.build(**local)
        try:
            dataset.prepare()
        except UserError:  # it may be where the job runs, which will say so
            return
        known[repr(component)] = dataset.sizes
    refuse_large_batch(settings.batch_size, known[repr(component)])


def knows_classes(config: DictConfig) -> bool:
    """Whether it says how many classes there are, rather than leaving it to the folders."""
    return OmegaConf.select(config, "data.n_classes", default=0) is not None


def with_one_class(config: DictConfig) -> DictConfig:
    """A copy that stands for it until the folders have been looked at."""
    provisional = config.copy()
    provisional.data.n_classes = 1
    return provisional
