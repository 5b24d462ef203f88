"""Which data a checkpoint is measured against, where it is not as in the checkpoint."""

import dataclasses
import math
from typing import Any

from gan_cli.config.components import Component, parameters
from gan_cli.config.schema import DataSettings
from gan_cli.data.dataset import Dataset
from gan_cli.data.memory import GIB, available_bytes, count_bytes, explain_excess
from gan_cli.errors import UserError
from gan_cli.evaluation.real_data import RealData
from gan_cli.ranges import Count


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataChoice:
    """`data:` of gan-evaluate.

    Attributes:
        root: where the data is now; None: where the checkpoint had it.
        limit: how many samples; None for all, whatever the run was trained on.
        download: whether what is missing may be fetched; what the checkpoint says of that is not
            obeyed.
    """

    root: str | None
    limit: Count | None
    download: bool | None


def open_data(settings: DataSettings, choice: DataChoice) -> RealData:
    """The data of a checkpoint's run; only listed, nothing is decoded yet.

    Raises:
        UserError: it is not there, too much, or has none of the keys that were given.
    """
    component = settings.dataset
    given = {k: v for k, v in dataclasses.asdict(choice).items() if v is not None}
    for key, value in {"download": False, **given}.items():
        changed = with_argument(component, key, value)
        if changed is None and key in given:
            raise UserError(f"data.{key}: this run's data has no such key; leave it out")
        component = changed or component
    dataset: Dataset = component.build()
    if choice.limit is None:
        dataset = dataset.whole()
    dataset.prepare()
    needed = count_bytes(dataset)
    if explain_excess(needed, settings.memory_limit) is not None:
        room = min(settings.memory_limit * GIB, available_bytes() or math.inf)
        raise UserError(
            f"data: {len(dataset)} samples take {needed / GIB:.2g} GiB and there is room for "
            f"{room / GIB:.2g}; compare with fewer of them, "
            f"data.limit={max(int(len(dataset) * room / needed), 1)}"
        )
    return RealData(dataset, settings.memory_limit, limited=True)


def with_argument(component: Component, name: str, value: Any) -> Component | None:
    """A dataset's component with one argument changed: its own, or of the dataset it wraps.

    Returns:
        None where neither has such an argument.
    """
    if name in parameters(component.cls):
        return dataclasses.replace(component, arguments={**component.arguments, name: value})
    for key, inner in component.arguments.items():
        if isinstance(inner, Component) and issubclass(inner.cls, Dataset):
            changed = with_argument(inner, name, value)
            if changed is not None:
                arguments = {**component.arguments, key: changed}
                return dataclasses.replace(component, arguments=arguments)
    return None
