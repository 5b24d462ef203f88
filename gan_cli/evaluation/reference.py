"""What samples are measured against: the real ones, and others held out for a baseline."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from gan_cli.data.dataset import Dataset
from gan_cli.data.fields import Fields
from gan_cli.errors import UserError
from gan_cli.evaluation.real_data import DataPart, RealData, shuffle

FEWEST = 10
"""Real samples without which nothing can be measured."""
HELD_OUT_SHARE = 10
"""One in so many is held out where the data comes in one piece."""


@dataclass(frozen=True)
class Reference:
    """Real samples by field, each group in random order.

    Attributes:
        dataset: what they come from.
        real: all that could be trained on.
        held_out: others of the same kind.
        trained_on_held_out: whether the data comes in one piece, so that the held-out ones were
            trained on although they are no part of `real`.
    """

    dataset: Dataset
    real: DataPart
    held_out: DataPart
    trained_on_held_out: bool

    def label_of(self, name: str) -> str | None:
        """The field of class labels that belongs to the field `name`; None where there is none."""
        fields = self.dataset.fields
        if self.dataset.n_classes < 2:
            return None
        beside = [other for other, f in fields.items() if f.group == fields[name].group]
        return next((other for other in beside if fields[other].kind == "label"), None)


def take_reference(data: RealData, count: int) -> Reference:
    """All real samples, and held-out ones: of the other part, or a tenth where there is none.

    Args:
        data: a run's.
        count: how many to hold out of each group at most: as many as there are fakes, for values
            to compare.

    Raises:
        UserError: the data is not there, too little or too much.
    """
    fields = data.dataset.fields
    held_out = data.take_held_out(count)
    real = DataPart(shuffle(data.everything.fields, fields), data.everything.part)
    in_one_piece = held_out is None
    if held_out is None:
        real, held_out = _cut(real.fields, fields, count)
    for name in fields:
        reals, others = len(real.fields[name]), len(held_out.fields[name])
        if min(reals, others) < FEWEST:
            raise UserError(
                f"data: {reals} real samples and {others} held out are too few to measure "
                f"against; {FEWEST * HELD_OUT_SHARE} are the least, thousands make sense"
            )
    return Reference(data.dataset, real, held_out, in_one_piece)


def _cut(shuffled: Mapping[str, Tensor], fields: Fields, count: int) -> tuple[DataPart, DataPart]:
    """Nine tenths of each group, and at most `count` of the last tenth."""
    real, held_out = {}, {}
    for name in fields:
        values = shuffled[name]
        tenth = len(values) // HELD_OUT_SHARE
        held_out[name] = values[: min(tenth, count)].clone()  # a view would keep all in memory
        real[name] = values[tenth:]
    return DataPart(real, "nine tenths"), DataPart(held_out, "one tenth")
