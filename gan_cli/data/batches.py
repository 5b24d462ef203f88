"""Endless batches of real samples, as a function of the seed and a position alone."""

import abc
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from gan_cli.data.augmentation import augment, refuse_jitter
from gan_cli.data.dataset import Dataset, StreamableDataset
from gan_cli.data.fields import Batch, Fields, fingerprint
from gan_cli.data.memory import GIB, count_bytes, explain_excess
from gan_cli.data.order import Draw, Order, refuse_large_batch
from gan_cli.data.workers import DecodedBatches, Rows, decode_rows, require_sensible
from gan_cli.errors import UserError


class Batches(abc.ABC):
    """An endless stream of real batches on one device.

    Attributes:
        fields: of every batch.
        sizes: samples in each group of fields.
        size: samples in the largest group, which an epoch is counted by.
        labels: of the field `label`, int64 [N] on the device, or None.
        position: samples drawn so far of each group.
        fingerprint: 16 hex digits that change when the data does.

    Raises:
        UserError: a batch is larger than a group.
    """

    fingerprint: str

    def __init__(self, fields: Fields, sizes: Mapping[str, int], labels: Batch, draw: Draw) -> None:
        refuse_large_batch(draw.batch_size, sizes)
        self.fields, self.sizes, self.size = fields, dict(sizes), max(sizes.values())
        self.position = 0
        self._labels = {name: values.to(draw.device) for name, values in labels.items()}
        self.labels = self._labels.get("label")
        self._draw = draw
        self._orders = self._open_orders(draw.device)

    def next(self) -> Batch:
        """The next batch, or this rank's share of it; nothing in it waits for the device.

        Raises:
            UserError: a file cannot be decoded; names it.
            RunFailed: a process that decodes has died. The position is as it was.
        """
        count = self._draw.share
        begin = self._draw.begin(self.position)
        index = {group: o.take(begin, count) for group, o in self._orders.items()}
        batch = self._gather(index) | {
            name: values.index_select(0, index[self.fields[name].group])
            for name, values in self._labels.items()
        }
        augment(batch, self.fields, self._orders, self._draw)
        self.position += self._draw.batch_size
        return self._finished(batch)

    def seek(self, position: int) -> None:
        """Go to where `position` samples have been drawn, forward or back."""
        self.position = position

    def look_up(self, index: Mapping[str, Tensor] | Tensor) -> Batch:
        """Certain samples, on the CPU and as they are, whatever is drawn next.

        Args:
            index: int64 [N] by group, and only these groups' fields come; or the same for all.

        Raises:
            UserError: a file cannot be decoded; names it.
        """
        index = dict.fromkeys(self.sizes, index) if isinstance(index, Tensor) else dict(index)
        labels = {
            name: values.cpu()[index[self.fields[name].group]]
            for name, values in self._labels.items()
            if self.fields[name].group in index
        }
        return self._finished(self._read(index) | labels)

    @abc.abstractmethod
    def close(self) -> None:
        """End every process that was started, at once; the next batch would start them anew."""

    @abc.abstractmethod
    def _read(self, index: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The fields of these groups but for labels, unscaled, on the CPU."""

    @abc.abstractmethod
    def _gather(self, index: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same of what is drawn at the present position, on the device."""

    def _open_orders(self, device: torch.device) -> dict[str, Order]:
        seed, runs = self._draw.seed, self._draw.runs
        return {
            group: Order(size, seed, device, group, runs.get(group, ()))
            for group, size in self.sizes.items()
        }

    def _finished(self, batch: Batch) -> Batch:
        """In the order of the fields; 0..255 to [-1, 1], what is not 8-bit stays."""
        return {
            name: batch[name].float() / 127.5 - 1
            if batch[name].dtype == torch.uint8
            else batch[name]
            for name in self.fields
            if name in batch
        }


class MemoryBatches(Batches):
    """Everything lies on the device, images 8 bits a value: a batch is one gather a field.

    Args:
        fields: the dataset's.
        data: what its `load` returned.
        draw: how batches are drawn.

    Raises:
        UserError: the device's memory does not hold it.
    """

    def __init__(self, fields: Fields, data: Mapping[str, Tensor], draw: Draw) -> None:
        sizes = {field.group: len(data[name]) for name, field in fields.items()}
        labels = {name: data[name] for name, field in fields.items() if field.kind == "label"}
        super().__init__(fields, sizes, labels, draw)
        rest = {name: data[name].contiguous() for name in fields if name not in labels}
        self.fingerprint = fingerprint({**rest, **labels})
        try:
            self._data = {name: values.to(draw.device) for name, values in rest.items()}
        except torch.OutOfMemoryError as error:
            needed = sum(values.nbytes for values in rest.values()) / GIB
            raise UserError(
                f"data.memory_limit: the images take {needed:.1f} GiB, more than "
                f"{draw.device} has free; lower data.memory_limit, data.limit or data.image_size"
            ) from error

    def close(self) -> None:
        """There are no processes."""

    def _gather(self, index: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {
            name: values.index_select(0, index[group])
            for name, values in self._data.items()
            if (group := self.fields[name].group) in index
        }

    def _read(self, index: Mapping[str, Tensor]) -> dict[str, Tensor]:
        index = {group: rows.to(self._draw.device) for group, rows in index.items()}
        return {name: values.cpu() for name, values in self._gather(index).items()}


class StreamBatches(Batches):
    """Samples are decoded as they are drawn, ahead of time by `workers` processes (0: none)."""

    def __init__(self, dataset: StreamableDataset, draw: Draw, workers: int) -> None:
        super().__init__(dataset.fields, dataset.sizes, dataset.labels, draw)
        self._dataset, self._workers = dataset, workers
        self._decoded: DecodedBatches | None = None
        self._decoded_position = -1  # where the next item of the stream belongs
        listings = {group: dataset.listing(group) for group in self.sizes}
        self.fingerprint = fingerprint(dataset.labels, repr(listings))
        self._rows = self._open_orders(torch.device("cpu"))

    def close(self) -> None:
        """End the processes that decode."""
        if self._decoded is not None:
            self._decoded.close()
        self._decoded, self._decoded_position = None, -1

    def _gather(self, index: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if self._workers == 0:
            batch = decode_rows(self._dataset, next(self._rows_from(self.position)))
        else:
            batch = self._next_decoded()
        if self._draw.device.type == "cuda":
            batch = {name: x.pin_memory() for name, x in batch.items()}  # or the copy would wait
        return {name: x.to(self._draw.device, non_blocking=True) for name, x in batch.items()}

    def _next_decoded(self) -> dict[str, Tensor]:
        if self._decoded_position != self.position:  # the first draw, or the first after a seek
            self.close()
            rows = self._rows_from(self.position)
            self._decoded = DecodedBatches(self._dataset, rows, self._workers)
        assert self._decoded is not None
        self._decoded_position = -1  # what follows may be cut short, and then the batch is lost
        batch = next(self._decoded)
        self._decoded_position = self.position + self._draw.batch_size
        return batch

    def _rows_from(self, position: int) -> Iterator[Rows]:
        # no reference to self: whoever forgets the batches forgets the processes too
        return _rows(self._rows, position, self._draw)

    def _read(self, index: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return decode_rows(self._dataset, {group: rows.tolist() for group, rows in index.items()})


def _rows(orders: Mapping[str, Order], position: int, draw: Draw) -> Iterator[Rows]:
    for start in itertools.count(draw.begin(position), draw.batch_size):
        yield {group: order.take(start, draw.share).tolist() for group, order in orders.items()}


def open_batches(
    dataset: Dataset,
    *,
    batch_size: int,
    device: torch.device,
    seed: int,
    memory_limit: float,
    workers: int,
    flip: bool,
    jitter: int = 0,
    rank: int = 0,
    ranks: int = 1,
    load: Callable[[], Mapping[str, Tensor]] | None = None,
) -> MemoryBatches | StreamBatches:
    """Batches of a prepared dataset: from memory where its samples fit, else as a stream.

    Args:
        memory_limit: GiB that decoded samples may take, images one byte a value.
        workers: processes that decode a stream; 0 decodes in this one. Unused from memory.
        load: reads all of it, or knows it already; None: the dataset's own `load`.

    The other arguments are those of `Draw`.

    Raises:
        UserError: a batch is larger than the dataset; more workers than make sense; images that
            jitter would not move alike; or samples do not fit and the dataset cannot be streamed.
    """
    require_sensible(workers)
    refuse_jitter(jitter, dataset.fields)
    draw = Draw(batch_size, device, seed, flip, jitter, rank, ranks)
    excess = explain_excess(count_bytes(dataset), memory_limit)
    if excess is None:
        return MemoryBatches(dataset.fields, (load or dataset.load)(), draw)
    if isinstance(dataset, StreamableDataset):
        return StreamBatches(dataset, dataclasses.replace(draw, runs=dataset.runs), workers)
    raise UserError(f"{excess} (it can only be used from memory)")
