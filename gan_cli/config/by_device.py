"""Values that depend on the device: `batch_size: ${on_gpu:128,32}` is 128 on a GPU, 32 on a CPU.

Whatever is given in their place, on the command line or by an experiment, holds on any device.
"""

import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

CHOICE = re.compile(r"\$\{on_gpu:(.*),(.*)\}")


def _choose(on_gpu: Any, on_cpu: Any, *, _root_: DictConfig) -> Any:
    return on_gpu if _is_gpu(str(OmegaConf.select(_root_, "trainer.device"))) else on_cpu


def _is_gpu(device: str) -> bool:
    if device != "auto":
        return not device.startswith("cpu")
    import torch  # late: who only composes a config does not wait for it

    return torch.accelerator.current_accelerator(check_available=True) is not None


def chosen_by_device(config: DictConfig) -> dict[str, Any]:
    """The values that follow the device a run computes on, by their full keys."""
    raw: Any = OmegaConf.to_container(config, resolve=False)
    found = {}
    for section, values in raw.items() if isinstance(raw, dict) else ():
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, str) and CHOICE.fullmatch(value):
                key = f"{section!s}.{name!s}"
                found[key] = OmegaConf.select(config, key)
    return found


OmegaConf.register_new_resolver("on_gpu", _choose, replace=True)
