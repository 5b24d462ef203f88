"""Endless batches of real pictures, as a function of the seed and a position alone."""

import abc
import hashlib
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from gan_cli.data.dataset import Dataset, Pictures, StreamableDataset
from gan_cli.data.order import Draw, Order
from gan_cli.errors import RunFailed, UserError

GIB = 2**30


class Batch(NamedTuple):
    """Real pictures x, float32 [N, C, H, W] in [-1, 1], and labels y, int64 [N] or None."""

    x: Tensor
    y: Tensor | None


class Batches(abc.ABC):
    """An endless stream of real batches on one device.

    Attributes:
        size: pictures in the dataset.
        labels: int64 [size] on the device, or None.
        position: samples drawn so far, by all processes together.
        fingerprint: 16 hex digits that change when the data does.

    Raises:
        UserError: a batch is larger than the dataset.
    """

    fingerprint: str

    def __init__(self, size: int, labels: Tensor | None, draw: Draw) -> None:
        if draw.stride > size:
            across = f" in each of {draw.ranks} processes" if draw.ranks > 1 else ""
            raise UserError(
                f"data.batch_size={draw.batch_size}{across}: more than the {size} pictures of the "
                f"dataset; set data.batch_size={max(size // draw.ranks, 1)} or lower, or use more "
                "pictures (data.limit)"
            )
        self.size, self.position = size, 0
        self.labels = None if labels is None else labels.to(draw.device)
        self._draw, self._order = draw, Order(size, draw.seed, draw.device)

    def next(self) -> Batch:
        """The next batch; nothing in it waits for the device.

        Raises:
            UserError: a picture cannot be decoded; names it.
            RunFailed: a process that decodes was killed.
        """
        index = self._order.take(self._draw.start(self.position), self._draw.batch_size)
        x = self._gather(index)
        y = None if self.labels is None else self.labels.index_select(0, index)
        self.position += self._draw.stride
        if self._draw.flip:
            mirrored = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
            x = torch.where(mirrored, x.flip(3), x)
        return Batch(_scaled(x), y)

    def seek(self, position: int) -> None:
        """Go to where `position` samples have been drawn, forward or back."""
        self.position = position

    def look_up(self, index: Tensor) -> Batch:
        """The pictures `index`, int64 [N], on the CPU and as they are, whatever is drawn next.

        Raises:
            UserError: a picture cannot be decoded; names it.
        """
        y = None if self.labels is None else self.labels.cpu()[index]
        return Batch(_scaled(self._read(index)), y)

    @abc.abstractmethod
    def _read(self, index: Tensor) -> Tensor:
        """The pictures `index`, unscaled, on the CPU."""

    @abc.abstractmethod
    def _gather(self, index: Tensor) -> Tensor:
        """The pictures `index`, drawn at the present position: unscaled, on the device."""


class MemoryBatches(Batches):
    """All pictures lie on the device, 8 bits a value: a batch is one gather, with no workers.

    Raises:
        UserError: the device's memory does not hold them.
    """

    def __init__(self, pictures: Pictures, draw: Draw) -> None:
        images = pictures.images.contiguous()
        super().__init__(len(images), pictures.labels, draw)
        self.fingerprint = _fingerprint(
            repr((images.shape, images.dtype)).encode(), _bytes(images), _bytes(pictures.labels)
        )
        try:
            self._images = images.to(draw.device)
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"data.memory_limit: the pictures take {images.nbytes / GIB:.1f} GiB, more than "
                f"{draw.device} has free; lower data.memory_limit, data.limit or data.image_size"
            ) from error

    def _gather(self, index: Tensor) -> Tensor:
        return self._images.index_select(0, index)

    def _read(self, index: Tensor) -> Tensor:
        return self._images.index_select(0, index.to(self._images.device)).cpu()


class StreamBatches(Batches):
    """Pictures are decoded as they are drawn, ahead of time by `workers` processes (0: none)."""

    def __init__(self, dataset: StreamableDataset, draw: Draw, workers: int) -> None:
        super().__init__(len(dataset), dataset.labels, draw)
        self._dataset, self._workers = dataset, workers
        self._stream: Iterator[Tensor | UserError] = iter(())
        self._stream_position = -1  # where the next item of the stream belongs
        self.fingerprint = _fingerprint(repr(dataset.listing()).encode(), _bytes(dataset.labels))

    def _gather(self, index: Tensor) -> Tensor:
        if self._stream_position != self.position:  # the first draw, or the first after a seek
            self._stream, self._stream_position = self._open_stream(), self.position
        try:
            pictures = next(self._stream)
        except RuntimeError as error:
            if not str(error).startswith("DataLoader worker"):
                raise
            raise RunFailed(
                f"a process that reads pictures was killed, mostly for want of memory; lower "
                f"data.workers={self._workers} or data.batch_size ({str(error).splitlines()[0]})"
            ) from error
        self._stream_position += self._draw.stride
        if isinstance(pictures, UserError):
            raise UserError(*pictures.args)  # a new one: frames that hold what they raise leak
        return pictures.to(self._draw.device, non_blocking=True)

    def _read(self, index: Tensor) -> Tensor:
        return torch.stack([self._dataset.open_picture(i) for i in index.tolist()])

    def _open_stream(self) -> Iterator[Tensor | UserError]:
        order, count = Order(self.size, self._draw.seed, torch.device("cpu")), self._draw.batch_size
        starts = itertools.count(self._draw.start(self.position), self._draw.stride)
        return iter(
            DataLoader(
                _Decoder(self._dataset),
                batch_size=None,  # what the sampler yields is a whole batch
                sampler=(order.take(start, count).tolist() for start in starts),
                num_workers=self._workers,
                pin_memory=self._draw.device.type == "cuda",
                generator=torch.Generator(),  # or it would draw from the global one
            )
        )


class _Decoder(TorchDataset[Tensor | UserError]):
    """Runs in the workers. What they raise would come wrapped in a traceback: hand it back."""

    def __init__(self, dataset: StreamableDataset) -> None:
        self._dataset = dataset

    def __getitem__(self, indices: list[int]) -> Tensor | UserError:
        try:
            return torch.stack([self._dataset.open_picture(i) for i in indices])
        except UserError as error:
            return error


def open_batches(
    dataset: Dataset,
    *,
    batch_size: int,
    device: torch.device,
    seed: int,
    memory_limit: float,
    workers: int,
    flip: bool,
    rank: int = 0,
    ranks: int = 1,
) -> MemoryBatches | StreamBatches:
    """Batches of a prepared dataset: from memory where its pictures fit, else as a stream.

    Args:
        memory_limit: GiB that decoded pictures may take, one byte a value.
        workers: processes that decode a stream; 0 decodes in this one. Unused from memory.

    The other arguments are those of `Draw`.

    Raises:
        UserError: a batch is larger than the dataset; or pictures do not fit and the dataset
            cannot be streamed.
    """
    draw = Draw(batch_size, device, seed, flip, rank, ranks)
    needed = len(dataset) * dataset.channels * dataset.image_size**2 / GIB
    if needed <= memory_limit:
        return MemoryBatches(dataset.load(), draw)
    if isinstance(dataset, StreamableDataset):
        return StreamBatches(dataset, draw, workers)
    raise UserError(
        f"data.memory_limit={memory_limit:g}: the dataset takes {needed:.2g} GiB and can only be "
        "used from memory; raise data.memory_limit, or lower data.limit or data.image_size"
    )


def _scaled(x: Tensor) -> Tensor:
    """0..255 to [-1, 1]; what is not 8-bit stays."""
    return x.float() / 127.5 - 1 if x.dtype == torch.uint8 else x


def _bytes(tensor: Tensor | None) -> memoryview:
    return memoryview(b"" if tensor is None else tensor.numpy())  # type: ignore[arg-type]


def _fingerprint(*parts: bytes | memoryview) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]
