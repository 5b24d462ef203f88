import inspect
from pathlib import Path
from typing import get_type_hints

import hydra
import pytest
from omegaconf import OmegaConf

from gan_cli.data.dataset import Dataset

CONF = Path(__file__).parents[2] / "conf"
BATCHING = {"batch_size", "workers", "memory_limit", "flip"}


def compose(name):
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        config = hydra.compose(f"data/{name}", overrides=["+data.root=."] * (name == "folder"))
    return OmegaConf.to_container(config)


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "data").glob("*.yaml")))
def test_every_yaml_fits_its_class(name):
    config = compose(name)
    assert config.keys() == {"data", "trainer"}
    assert config["trainer"]["steps"] > 0
    values = config["data"]
    cls = hydra.utils.get_class(values.pop("_target_"))
    assert issubclass(cls, Dataset)
    arguments = {key: value for key, value in values.items() if key not in BATCHING}
    assert arguments.keys() == inspect.signature(cls).parameters.keys()
    hints = get_type_hints(cls.__init__, include_extras=True)
    assert hints.keys() >= arguments.keys()
    dataset = cls(**arguments)
    assert (dataset.image_size, dataset.channels) == (values["image_size"], values["channels"])
