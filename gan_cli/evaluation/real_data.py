"""The real samples of a run, read once for all that look at them."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.dataset import Dataset
from gan_cli.data.fields import Fields
from gan_cli.data.memory import load_if_it_fits
from gan_cli.data.wrapper import Wrapper


class DataPart(NamedTuple):
    """Real samples and where they come from.

    Attributes:
        fields: what `Dataset.load` returns: uint8 images, float32 points and waves, int64 labels.
        part: which part of the data they are, such as `train`; empty where it has none.
    """

    fields: Mapping[str, Tensor]
    part: str


class RealData:
    """A run's data in memory: training, evaluation and health share what was read.

    Each part is read when it is first asked for and kept as long as this object is.

    Args:
        dataset: what is trained on, prepared.
        memory_limit: GiB that each part may take.
        limited: whether `everything` ends at the dataset's limit too.
    """

    def __init__(self, dataset: Dataset, memory_limit: float, *, limited: bool = False) -> None:
        self.dataset, self._memory_limit, self._limited = dataset, memory_limit, limited

    @cached_property
    def training(self) -> dict[str, Tensor]:
        """What is trained on, in the dataset's order.

        Raises:
            UserError: it is too much.
        """
        return load_if_it_fits(self.dataset, self._memory_limit)

    def load_training(self) -> dict[str, Tensor]:
        """The same, as `open_batches` asks for it."""
        return self.training

    @cached_property
    def everything(self) -> DataPart:
        """The same without the dataset's limit: games are measured against all there is.

        Raises:
            UserError: it is not there, or too much.
        """
        if self._limited or not _is_limited(self.dataset):
            return DataPart(self.training, self.dataset.part)
        whole = self.dataset.whole()
        whole.prepare()
        if whole.sizes == self.dataset.sizes:
            return DataPart(self.training, self.dataset.part)
        return DataPart(load_if_it_fits(whole, self._memory_limit), whole.part)

    @cached_property
    def held_out(self) -> DataPart | None:
        """Samples that are never trained on, all of them; None where the data has no other part.

        Raises:
            UserError: they are not there, or too much.
        """
        other = self.dataset.held_out()
        if other is None:
            return None
        other.prepare()
        return DataPart(load_if_it_fits(other, self._memory_limit), other.part)

    def take_held_out(self, count: int) -> DataPart | None:
        """At most `count` held-out samples of each group, in an order that is always the same.

        Raises:
            UserError: they are not there, or too much.
        """
        if self.held_out is None:
            return None
        fields = shuffle(self.held_out.fields, self.dataset.fields, count)
        return DataPart(fields, self.held_out.part)


def _is_limited(dataset: Dataset) -> bool:
    if isinstance(dataset, Wrapper):
        return _is_limited(dataset.images)
    return getattr(dataset, "limit", None) is not None


def shuffle(
    data: Mapping[str, Tensor], fields: Fields, count: int | None = None
) -> dict[str, Tensor]:
    """Samples in random order, always the same; what belongs together stays so.

    Args:
        data: by field.
        fields: which groups they are of.
        count: the first so many of each group; None for all.
    """
    orders: dict[str, Tensor] = {}
    shuffled = {}
    for name, values in data.items():
        group = fields[name].group
        if group not in orders:
            draw = randomness.generator("reference", *([group] if group else []))
            orders[group] = torch.randperm(len(values), generator=draw)[:count]
        shuffled[name] = values[orders[group]]
    return shuffled
